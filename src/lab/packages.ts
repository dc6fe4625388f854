/**
 * What the lab needs from Debian, without root and without installing anything: apt with private directories fetches the
 * packages, and they are unpacked into a tree of their own under ~/.cache/hactl/lab. The micro-VM lays that tree over
 * the host's root; QEMU itself runs from it where the host has none.
 */
import {execFileSync, spawnSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Tools inside the guest, and the machine that runs it. */
const wanted = [
  'qemu-system-x86', 'seabios', 'qemu-system-data', 'busybox-static', 'kmod', 'xz-utils', 'iproute2', 'procps', 'ipvsadm',
  'nginx-light', 'keepalived', 'tcpdump', 'iputils-ping', 'ldirectord',
]; // prettier-ignore

/** Of the kernel's 400 MB of modules, what a virtual machine with a network inside needs. */
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
];

export interface Lab {
  /** The unpacked tree, laid out with merged /usr. */
  readonly tree: string;
  readonly kernel: string;
  readonly kernelVersion: string;
}

/** A preparation step failed; the message says what to do. */
export class LabError extends Error {
  override name = 'LabError';
}

const cacheRoot = (): string =>
  path.join(process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'hactl/lab');

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

/** Fetches and unpacks what is not there yet; a second call takes no time. */
export function prepareLab(say: (line: string) => void): Lab {
  const base = cacheRoot();
  const list = createHash('sha256')
    .update(JSON.stringify([wanted, moduleFolders, 4]))
    .digest('hex')
    .slice(0, 12);
  const tree = path.join(base, list);
  const done = path.join(tree, '.complete');
  if (existsSync(done)) return JSON.parse(readFileSync(done, 'utf8')) as Lab;
  if (spawnSync('apt-get', ['--version']).error)
    throw new LabError(
      'apt-get is not here: the lab takes its kernel and tools from Debian 12. On another system run the drill on a kernel with IPVS, as root: HACTL_LAB=host npm run drill',
    );

  const apt = path.join(base, 'apt');
  for (const folder of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(path.join(apt, folder), {recursive: true});
  const options = [
    `Dir::State::lists=${apt}/lists`,
    `Dir::Cache=${apt}/cache`,
    'Debug::NoLocking=1',
    `APT::Sandbox::User=${os.userInfo().username}`,
    'Acquire::Languages=none',
    'APT::Install-Recommends=false',
  ].flatMap((option) => ['-o', option]);
  const step = <T>(text: string, work: () => T): T => {
    const started = performance.now();
    say(`lab: ${text} …`);
    const result = work();
    say(`lab: ${text}: ${((performance.now() - started) / 1_000).toFixed(1)} s`);
    return result;
  };
  const aptGet = (words: readonly string[], cwd?: string): void => {
    const {status, stderr} = spawnSync('apt-get', [...options, '-q', ...words], {
      cwd,
      encoding: 'utf8',
      env: {...process.env, LC_ALL: 'C'},
    });
    if (status !== 0)
      throw new LabError(
        `apt-get ${words.join(' ')} failed:\n${stderr.trim()}\nIs the network up, and does /etc/apt name a Debian mirror?`,
      );
  };

  const fresh = `${tree}.${process.pid}`;
  rmSync(fresh, {recursive: true, force: true});
  mkdirSync(fresh, {recursive: true});
  try {
    step('package lists', () => aptGet(['update']));
    const depends = execFileSync('apt-cache', [...options, 'depends', 'linux-image-amd64'], {
      encoding: 'utf8',
    });
    const kernelPackage = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
    if (kernelPackage === undefined)
      throw new LabError('apt knows no linux-image-amd64: the lab needs Debian’s kernel');
    const archives = path.join(apt, 'cache/archives');
    step(`tools (${wanted.length} packages and what they need)`, () =>
      aptGet(['-y', '--reinstall', '--download-only', 'install', ...wanted]),
    );
    step(`kernel ${kernelPackage} (about 70 MB)`, () => aptGet(['download', kernelPackage], archives));
    const debs = readdirSync(archives).filter((name) => name.endsWith('.deb'));
    const size = debs.reduce((sum, name) => sum + statSync(path.join(archives, name)).size, 0);
    step(`unpacking ${debs.length} packages, ${megabytes(size)}`, () => {
      for (const name of debs)
        unpack(path.join(archives, name), fresh, name.startsWith('linux-image-') ? moduleFolders : undefined);
    });
    // The folders themselves are members of the archives too; empty as they are, they would hide the host's links.
    for (const folder of ['bin', 'sbin', 'lib', 'lib64'])
      if (existsSync(path.join(fresh, folder))) rmdirSync(path.join(fresh, folder));
    const kernelVersion = kernelPackage.replace('linux-image-', '');
    const kernel = path.join(fresh, 'vmlinux');
    step('kernel image', () =>
      extractKernel(path.join(fresh, `boot/vmlinuz-${kernelVersion}`), kernel, fresh),
    );
    step('module index', () => {
      const {status, stderr, error} = spawnSync(
        toolPath(fresh, 'kmod'),
        ['-b', path.join(fresh, 'usr'), kernelVersion],
        {
          argv0: 'depmod',
          encoding: 'utf8',
          env: libraries(fresh),
        },
      );
      if (status !== 0) throw new LabError(`depmod failed: ${error?.message ?? stderr}`);
    });
    const lab: Lab = {tree, kernel: path.join(tree, 'vmlinux'), kernelVersion};
    writeFileSync(path.join(fresh, '.complete'), JSON.stringify(lab));
    try {
      renameSync(fresh, tree);
    } catch {
      // Another run was quicker; its tree is as good.
    }
    rmSync(archives, {recursive: true, force: true});
    return lab;
  } finally {
    rmSync(fresh, {recursive: true, force: true});
  }
}

/** Unpacks a package with everything under /usr: a plain /lib of ours would hide the host's link of that name. */
function unpack(deb: string, into: string, modules: readonly string[] | undefined): void {
  const selection =
    modules === undefined
      ? ['--exclude=./usr/share/doc', '--exclude=./usr/share/man']
      : [
          '--wildcards',
          './boot/vmlinuz*',
          './lib/modules/*/modules.*',
          ...modules.map((folder) => `./lib/modules/*/kernel/${folder}`),
          '--exclude=*/drivers/net/ethernet',
          '--exclude=*/drivers/net/wireless',
        ];
  const script =
    'deb=$1 into=$2; shift 2; dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$into" --no-same-owner "$@"';
  const merge = '--transform=flags=r;s,^\\./\\(bin\\|sbin\\|lib\\|lib64\\)/,./usr/\\1/,';
  const {status, stderr} = spawnSync('sh', ['-c', script, 'unpack', deb, into, merge, ...selection], {
    encoding: 'utf8',
  });
  if (status !== 0 && modules === undefined)
    throw new LabError(`cannot unpack ${deb}: ${stderr.trim().slice(-400)}`);
}

/** The ELF kernel inside a bzImage: booting it saves the guest the decompression. */
function extractKernel(image: string, kernel: string, tree: string): void {
  const bytes = readFileSync(image);
  const setup = ((bytes[0x1f1] || 4) + 1) * 512;
  const start = setup + bytes.readUInt32LE(0x248);
  const payload = bytes.subarray(start, start + bytes.readUInt32LE(0x24c));
  const packed = `${kernel}.xz`;
  writeFileSync(packed, payload.subarray(0, payload.length - 4));
  const {stdout, status} = spawnSync(toolPath(tree, 'xz'), ['-dc', '--single-stream', packed], {
    maxBuffer: 1 << 28,
    env: libraries(tree),
  });
  rmSync(packed);
  if (stdout.length < 1e6) throw new LabError(`cannot decompress the kernel image (xz ended with ${status})`);
  writeFileSync(kernel, stdout);
}

/** A program of the host where there is one, of the tree otherwise. */
export function toolPath(tree: string, name: string): string {
  for (const folder of ['/usr/sbin', '/usr/bin', '/sbin', '/bin'])
    if (existsSync(path.join(folder, name))) return path.join(folder, name);
  for (const folder of ['usr/sbin', 'usr/bin'])
    if (existsSync(path.join(tree, folder, name))) return path.join(tree, folder, name);
  throw new LabError(
    `${name} is neither on this machine nor in ${tree}: remove ${tree} and run the command again`,
  );
}

/** The environment in which a program of the tree finds its libraries. */
export const libraries = (tree: string): NodeJS.ProcessEnv => ({
  ...process.env,
  LD_LIBRARY_PATH: [path.join(tree, 'usr/lib/x86_64-linux-gnu'), process.env.LD_LIBRARY_PATH]
    .filter(Boolean)
    .join(':'),
});
