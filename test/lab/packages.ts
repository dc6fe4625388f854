/**
 * The lab's Debian packages: the micro-VM's kernel with its modules, and tools. The micro-VM overlays that tree on the host's
 * root; QEMU itself runs from it if the host has none.
 */
import {spawnSync} from 'node:child_process';
import {cpSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {zstdDecompressSync} from 'node:zlib';
import {LabError, makeTree} from './apt.ts';

/** Tools for the guest and for tests on the host, and QEMU. */
const wanted = [
  'qemu-system-x86', 'seabios', 'qemu-system-data', 'busybox-static', 'kmod', 'xz-utils', 'iproute2', 'procps', 'ipvsadm',
  'nginx-light', 'keepalived', 'tcpdump', 'iputils-ping', 'nftables', 'ldirectord', 'iptables', 'openssl',
  'groff-base', 'zsh', 'fish',
]; // prettier-ignore

/** The subset of the kernel's 400 MB of modules needed for a VM with network namespaces. */
const moduleFolders = [
  'net',
  'lib',
  'crypto',
  'arch',
  'fs/9p',
  'fs/fscache',
  'fs/netfs',
  'fs/overlayfs',
  'drivers/virtio',
  'drivers/char',
  'drivers/net',
  'drivers/watchdog',
];

export interface Lab {
  /** The unpacked tree, laid out with merged /usr. */
  readonly tree: string;
  readonly kernel: string;
  readonly kernelVersion: string;
}

/** Fetches and unpacks the packages unless cached. */
export function prepareLab(say: (line: string) => void): Lab {
  const plan = {
    label: 'lab',
    packages: wanted,
    recipe: [moduleFolders, 7],
    without:
      'the lab takes its kernel and tools from Debian 12 or 13. On another system run the drill on a kernel with IPVS, as root: HACTL_LAB=host npm run drill',
  };
  return makeTree(plan, say, ({fresh, tree, step, fetch, fetchAlone, depends, unpackAll}): Lab => {
    const kernelPackage = /Depends: (linux-image-\S+)/.exec(depends('linux-image-amd64'))?.[1];
    if (kernelPackage === undefined)
      throw new LabError('apt has no linux-image-amd64: the lab needs Debian’s kernel');
    step(`tools (${wanted.length} packages and their dependencies)`, fetch);
    step(`kernel ${kernelPackage} (about 70 MB)`, () => fetchAlone(kernelPackage));
    unpackAll((deb) => (deb.startsWith('linux-image-') ? kernelMembers : undefined));
    // As update-alternatives would do: current kernels only have nftables.
    for (const name of ['arptables', 'arptables-save', 'iptables', 'iptables-save'])
      symlinkSync('xtables-nft-multi', path.join(fresh, 'usr/sbin', name));
    // groff's settings are in /etc, and only the guest sees the tree's /etc.
    rmSync(path.join(fresh, 'usr/share/groff/site-tmac'), {recursive: true, force: true});
    cpSync(path.join(fresh, 'etc/groff'), path.join(fresh, 'usr/share/groff/site-tmac'), {recursive: true});
    const kernelVersion = kernelPackage.replace('linux-image-', '');
    const kernel = path.join(fresh, 'vmlinux');
    step('kernel image', () =>
      extractKernel(path.join(fresh, `boot/vmlinuz-${kernelVersion}`), kernel, fresh),
    );
    step('module index', () => {
      const {status, stderr, error} = spawnSync(
        toolPath(fresh, 'kmod'),
        ['-b', path.join(fresh, 'usr'), kernelVersion],
        {argv0: 'depmod', encoding: 'utf8', env: libraries(fresh)},
      );
      if (status !== 0) throw new LabError(`depmod failed: ${error?.message ?? stderr}`);
    });
    return {tree, kernel: path.join(tree, 'vmlinux'), kernelVersion};
  });
}

/** tar's member arguments for the kernel package: its modules are in /lib up to Debian 12, in /usr/lib from 13 on. */
const kernelMembers = [
  '--wildcards',
  './boot/vmlinuz*',
  ...['./lib/modules/*', './usr/lib/modules/*'].flatMap((modules) => [
    `${modules}/modules.*`,
    ...moduleFolders.map((folder) => `${modules}/kernel/${folder}`),
  ]),
  '--exclude=*/drivers/net/ethernet',
  '--exclude=*/drivers/net/wireless',
];

const ELF = Buffer.from('\u007FELF', 'latin1');
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/**
 * The ELF kernel in a bzImage (Documentation/arch/x86/boot.rst): extracted, it saves the guest the decompression. Debian 12
 * packs it with xz, Debian 13 with zstd. undefined: packed with something else; the guest can still boot the image itself.
 */
export function kernelOf(image: Buffer, decompressXz: (packed: Buffer) => Buffer): Buffer | undefined {
  const setup = ((image[0x1f1] || 4) + 1) * 512;
  const start = setup + image.readUInt32LE(0x248);
  // The payload's last four octets are its unpacked length.
  const payload = image.subarray(start, start + image.readUInt32LE(0x24c) - 4);
  const kernel = payload.subarray(0, 4).equals(ZSTD) ? zstdDecompressSync(payload) : decompressXz(payload);
  return kernel.subarray(0, 4).equals(ELF) ? kernel : undefined;
}

/** Writes the kernel that the guest boots. */
function extractKernel(image: string, kernel: string, tree: string): void {
  const bytes = readFileSync(image);
  writeFileSync(kernel, kernelOf(bytes, (packed) => unxz(packed, tree)) ?? bytes);
}

/** Decompresses one xz stream and ignores what follows it. An empty buffer: this is not xz. */
export function unxz(packed: Uint8Array, tree: string): Buffer {
  const {stdout, error} = spawnSync(toolPath(tree, 'xz'), ['-dc', '--single-stream'], {
    input: packed,
    maxBuffer: 1 << 28,
    env: libraries(tree),
  });
  if (error && (error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  return stdout;
}

/** The host's program if installed, otherwise the tree's. */
export function toolPath(tree: string, name: string): string {
  for (const folder of ['/usr/sbin', '/usr/bin', '/sbin', '/bin'])
    if (existsSync(path.join(folder, name))) return path.join(folder, name);
  for (const folder of ['usr/sbin', 'usr/bin'])
    if (existsSync(path.join(tree, folder, name))) return path.join(tree, folder, name);
  throw new LabError(
    `${name} is neither on this machine nor in ${tree}: remove ${tree} and run the command again`,
  );
}

/** Environment in which the tree's programs find their libraries. */
export const libraries = (tree: string): NodeJS.ProcessEnv => ({
  ...process.env,
  LD_LIBRARY_PATH: [path.join(tree, 'usr/lib/x86_64-linux-gnu'), process.env.LD_LIBRARY_PATH]
    .filter(Boolean)
    .join(':'),
});
