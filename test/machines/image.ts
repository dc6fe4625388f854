/** Builds a disk image of Debian 12 with systemd and Debian's kernel. Needs root. */
import {execFileSync, spawnSync} from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import {makeCpio} from '../lab/cpio.ts';
import {prepareLab} from '../lab/packages.ts';
import {moduleOrder} from '../lab/vm.ts';

const SUITE = 'bookworm';
const PACKAGES = [
  'systemd',
  'systemd-sysv',
  'udev',
  'iproute2',
  'kmod',
  'initramfs-tools',
  'linux-image-cloud-amd64',
];

export interface Image {
  readonly disk: string;
  readonly kernel: string;
  readonly initrd: string;
}

/** Guest agent: reads the test's commands from a virtio port, one per line, and writes their results to it. */
const rig = `exec 3<>/dev/virtio-ports/rig
echo "UP $(cut -d' ' -f1 /proc/uptime)" >&3
while read -r id words <&3; do
  printf %s "$words" | base64 -d >/run/rig.in
  sh /run/rig.in >/run/rig.out 2>&1 </dev/null
  echo "$id $? $(base64 -w0 /run/rig.out)" >&3
done
`;
const rigUnit = `[Unit]
Description=Commands of the test
After=dev-virtio\\x2dports-rig.device
Wants=dev-virtio\\x2dports-rig.device

[Service]
Environment=HOME=/root TERM=dumb
ExecStart=/bin/sh /usr/local/sbin/rig
Restart=always
# A reboot is a command, too: it ends with the machine.
KillMode=process

[Install]
WantedBy=multi-user.target
`;

/** This machine's configured Debian mirror. */
function mirror(work: string): {readonly sources: readonly string[]; readonly config: string} {
  const folder = '/etc/apt/sources.list.d';
  const files = ['/etc/apt/sources.list', ...readdirSync(folder).map((name) => path.join(folder, name))];
  const sources = files.filter((file) => {
    try {
      return (
        /\.(list|sources)$/.test(file) &&
        readFileSync(file, 'utf8').includes(SUITE) &&
        !/nodesource|cloud/.test(file)
      );
    } catch {
      return false;
    }
  });
  const config = path.join(work, 'apt.conf');
  const lines = execFileSync('apt-config', ['dump'], {encoding: 'utf8'})
    .split('\n')
    .filter((line) => /^Acquire::(http|https|Retries|ForceIPv4|Check-)/.test(line));
  writeFileSync(config, `${lines.join('\n')}\n`);
  return {sources: sources.length > 0 ? sources : ['http://deb.debian.org/debian'], config};
}

const names = (folder: string): Image => ({
  disk: path.join(folder, 'disk'),
  kernel: path.join(folder, 'vmlinuz'),
  initrd: path.join(folder, 'initrd'),
});

/** An existing image. */
export const findImage = (folder: string): Image | undefined =>
  existsSync(path.join(folder, 'disk')) ? names(folder) : undefined;

/** Builds the image in `work`. */
export function makeImage(work: string): Image {
  mkdirSync(work, {recursive: true});
  const root = path.join(work, 'root');
  const {sources, config} = mirror(work);
  const words = [
    '--quiet',
    '--variant=minbase',
    `--include=${PACKAGES.join()}`,
    '--dpkgopt=force-unsafe-io',
    `--aptopt=${config}`,
  ];
  const {status, error} = spawnSync('mmdebstrap', [...words, SUITE, root, ...sources], {
    stdio: ['ignore', 'ignore', 'inherit'],
    // Our initramfs is smaller than Debian's.
    env: {...process.env, INITRD: 'No'},
  });
  if (status !== 0)
    throw new Error(`mmdebstrap failed (${error?.message ?? status}); apt-get install mmdebstrap`);
  return furnish(root, work);
}

/** A minimal initramfs that only finds the disk: Debian's costs half a minute per boot under emulation. */
function initramfs(modules: string): Buffer {
  const {tree} = prepareLab((line) => process.stderr.write(`${line}\n`));
  const order = moduleOrder(readFileSync(path.join(modules, 'modules.dep'), 'utf8'), [
    'virtio_pci',
    'virtio_blk',
  ]);
  const init = `#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc; $b mount -t sysfs sys /sys; $b mount -t devtmpfs dev /dev
for m in /modules/*.ko; do $b insmod $m; done
n=0; while [ ! -b /dev/vda ] && [ $n -lt 100 ]; do $b sleep 0.1; n=$((n + 1)); done
$b mount -t ext4 /dev/vda /new
for d in proc sys dev; do $b mount --move /$d /new/$d; done
exec $b switch_root /new /sbin/init
`;
  return makeCpio([
    ...['bin', 'modules', 'proc', 'sys', 'dev', 'new'].map((name) => ({name, mode: 0o755})),
    {name: 'bin/busybox', mode: 0o755, content: readFileSync(path.join(tree, 'usr/bin/busybox'))},
    ...order.map((file, index) => ({
      name: `modules/${String(index).padStart(2, '0')}.ko`,
      mode: 0o644,
      content: readFileSync(path.join(modules, file)),
    })),
    {name: 'init', mode: 0o755, content: Buffer.from(init)},
  ]);
}

/** Adds the guest agent and network settings to the root file system, and writes it to a disk image. */
export function furnish(root: string, work: string): Image {
  const put = (file: string, text: string): void => {
    mkdirSync(path.dirname(path.join(root, file)), {recursive: true});
    writeFileSync(path.join(root, file), text);
  };
  put('usr/local/sbin/rig', rig);
  put('etc/systemd/system/rig.service', rigUnit);
  put('etc/fstab', '/dev/vda / ext4 defaults 0 0\n');
  put('etc/hostname', 'director\n');
  // The daily jobs of apt and dpkg would disturb the measurements.
  const units = ['rig', 'systemd-networkd', 'systemd-network-generator', 'systemd-networkd-wait-online'];
  const systemctl = (...more: string[]): void =>
    void execFileSync('chroot', [root, 'systemctl', '--quiet', ...more]);
  systemctl('enable', ...units);
  systemctl(
    'mask',
    'apt-daily.timer',
    'apt-daily-upgrade.timer',
    'dpkg-db-backup.timer',
    'e2scrub_all.timer',
    'fstrim.timer',
  );
  const boot = path.join(root, 'boot');
  const kernel = readdirSync(boot).find((text) => text.startsWith('vmlinuz-'));
  if (kernel === undefined) throw new Error("Debian's kernel package brought no kernel");
  cpSync(path.join(boot, kernel), path.join(work, 'vmlinuz'));
  const modules = path.join(root, 'usr/lib/modules', kernel.replace('vmlinuz-', ''));
  writeFileSync(path.join(work, 'initrd'), initramfs(modules));
  const {disk, ...rest} = names(work);
  const making = `${disk}.new`;
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', root, making, '1600M'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  renameSync(making, disk);
  rmSync(root, {recursive: true, force: true});
  return {disk, ...rest};
}
