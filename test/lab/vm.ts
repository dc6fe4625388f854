/**
 * A micro-VM with a real IPVS: QEMU emulates a PC (no KVM, no root needed) that boots Debian's kernel, mounts the host's root
 * read-only with the lab's tools overlaid, runs one command and exits.
 */
import {spawn} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {makeCpio, type CpioEntry} from './cpio.ts';
import {LabError} from './apt.ts';
import {libraries, toolPath, unxz, type Lab} from './packages.ts';

const MARK = 'HACTL-VM-STATUS ';
/** Followed by the guest's uptime in seconds. */
const CLOCK = 'HACTL-VM-CLOCK ';
/**
 * The guest's kernel calibrates its clock in a few milliseconds of the boot. If the emulator is not scheduled in these, the
 * clock runs many times too fast for the guest's whole life (eight times was seen at a load of 5), and all timeouts are wrong.
 */
const CLOCK_TOLERANCE = 1.5;
const BOOTS = 4;
/** Modules that the guest needs before it can mount the host's files. */
const early = ['virtio_pci', 'virtio_console', '9pnet_virtio', '9p', 'overlay'];
const networking = [
  'ip_vs',
  'ip_vs_rr',
  'ip_vs_wrr',
  'ip_vs_lc',
  'ip_vs_wlc',
  'ip_vs_lblc',
  'ip_vs_lblcr',
  'ip_vs_dh',
  'ip_vs_sh',
  'ip_vs_sed',
  'ip_vs_nq',
  'ip_vs_mh',
  'ip_vs_fo',
  'ip_vs_ovf',
  'veth',
  'bridge',
  'ipip',
  'dummy',
];

export interface VmRun {
  readonly lab: Lab;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Time limit, milliseconds; then the VM is killed. */
  readonly limit: number;
  readonly memory?: number;
  /** A second tree, overlaid on the tools and the host's root. */
  readonly over?: string;
  /** Forwards a port of this machine's loopback to a TCP port of the guest (10.0.2.15 on eth0). */
  readonly forward?: {readonly host: number; readonly guest: number};
  /** Aborts the VM, with status 0. */
  readonly signal?: AbortSignal;
  readonly out: (line: string) => void;
}

/** Modules and their dependencies in insmod order. */
export function moduleOrder(index: string, names: readonly string[]): string[] {
  const needs = new Map<string, string[]>();
  const files = new Map<string, string>();
  for (const line of index.split('\n')) {
    const [file, rest] = line.split(':');
    if (!file || rest === undefined) continue;
    needs.set(file, rest.trim().split(/\s+/).filter(Boolean));
    files.set((file.split('/').at(-1) ?? '').replace(/\.ko(\.\w+)?$/, '').replaceAll('-', '_'), file);
  }
  const order: string[] = [];
  const visit = (file: string): void => {
    for (const need of needs.get(file) ?? []) visit(need);
    if (!order.includes(file)) order.push(file);
  };
  for (const name of names) {
    const file = files.get(name.replaceAll('-', '_'));
    // Missing in the index: built into the kernel.
    if (file !== undefined) visit(file);
  }
  return order;
}

/**
 * The folders that lead to the paths. The guest's root lacks CAP_DAC_OVERRIDE in some of our processes, others run as a user of
 * their own: in a home directory for its owner only (Debian's default) they would not find their program.
 */
export function foldersTo(paths: readonly string[]): string[] {
  const found = new Set<string>();
  for (const one of paths)
    for (let folder = path.dirname(one); folder !== path.dirname(folder); folder = path.dirname(folder))
      found.add(folder);
  return [...found].toSorted();
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** A module as busybox loads it: Debian 13 packs modules with xz. */
function moduleOf(file: string, tree: string): Buffer {
  const bytes = readFileSync(file);
  if (!file.endsWith('.xz')) return bytes;
  const module = unxz(bytes, tree);
  if (module.length === 0)
    throw new LabError(`cannot decompress ${file}: remove ${tree} and run the command again`);
  return module;
}

function initramfs(lab: Lab, script: string, shares: readonly string[]): Buffer {
  const modules = path.join(lab.tree, 'usr/lib/modules', lab.kernelVersion);
  const order = moduleOrder(readFileSync(path.join(modules, 'modules.dep'), 'utf8'), early);
  const entries: CpioEntry[] = ['bin', 'modules', 'proc', 'sys', 'dev', 'rw', 'new', ...shares].map(
    (name) => ({name, mode: 0o755}),
  );
  entries.push({name: 'bin/busybox', mode: 0o755, content: readFileSync(busybox(lab))});
  for (const [index, file] of order.entries())
    entries.push({
      name: `modules/${String(index).padStart(2, '0')}.ko`,
      mode: 0o644,
      content: moduleOf(path.join(modules, file), lab.tree),
    });
  const mounts = shares.map(
    (name) =>
      `$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro ${name} /${name} || echo "9p failed"`,
  );
  const init = `#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc; $b mount -t sysfs sys /sys; $b mount -t devtmpfs dev /dev
for m in /modules/*.ko; do $b insmod $m || echo "insmod $m failed"; done
${mounts.join('\n')}
$b mount -t tmpfs -o size=75% rw /rw; $b mkdir /rw/up /rw/work
$b mount -t overlay -o lowerdir=${shares.map((name) => `/${name}`).join(':')},upperdir=/rw/up,workdir=/rw/work root /new || echo "overlay failed"
$b mount --move /proc /new/proc; $b mount --move /sys /new/sys; $b mount --move /dev /new/dev
$b mkdir -p /new/dev/pts /new/dev/shm; $b mount -t devpts pts /new/dev/pts
for d in /dev/shm /run; do $b mount -t tmpfs tmp /new$d; done
exec $b switch_root /new /bin/sh ${script} < /new/dev/hvc0 > /new/dev/hvc0 2>&1
`;
  entries.push({name: 'init', mode: 0o755, content: Buffer.from(init)});
  return makeCpio(entries);
}

const busybox = (lab: Lab): string => path.join(lab.tree, 'usr/bin/busybox');

/** Boots, runs the command and resolves to its exit status. Rejects if the guest did not get that far. */
export async function runInVm(run: VmRun): Promise<number> {
  for (let boot = 1; boot <= BOOTS; boot += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one boot after another.
    const status = await bootOnce(run);
    if (status !== 'wrong clock') return status;
    run.out('lab: the clock of the micro-VM runs at the wrong speed: rebooting it');
  }
  throw new LabError(
    `the clock of the micro-VM ran at the wrong speed in ${BOOTS} boots: is this machine overloaded?`,
  );
}

/** Whether two clocks agree on a duration, in seconds. */
export const clocksAgree = (host: number, guest: number): boolean =>
  guest < host * CLOCK_TOLERANCE && host < guest * CLOCK_TOLERANCE;

function bootOnce(run: VmRun): Promise<number | 'wrong clock'> {
  const {lab} = run;
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-vm-'));
  const script = path.join(folder, 'run.sh');
  const {HACTL_LAB_PROGRAMS: programs} = run.env;
  // In the guest's overlay only: the host's folders stay as they are.
  const inUse = [`${run.cwd}/.`, process.execPath, ...(programs === undefined ? [] : [`${programs}/.`])];
  const exports = Object.entries(run.env).map(([name, value]) => `export ${name}=${quote(value)}`);
  writeFileSync(
    script,
    `stty raw -echo -F /dev/hvc0 2>/dev/null
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
echo "${CLOCK}$(cut -d' ' -f1 /proc/uptime)"
ip link set lo up
for m in ${[...networking, ...(run.forward ? ['virtio_net'] : [])].join(' ')}; do modprobe $m || echo "modprobe $m failed"; done
mkdir -p /run/netns /var/log /var/lib/nginx
chmod a+x ${foldersTo(inUse).map(quote).join(' ')}
${run.forward ? 'ip address add 10.0.2.15/24 dev eth0; ip link set eth0 up' : ''}
echo "${CLOCK}$(cut -d' ' -f1 /proc/uptime)"
${exports.join('\n')}
cd ${quote(run.cwd)}
${run.argv.map(quote).join(' ')} </dev/null
echo "${MARK}$?"
sync
echo o > /proc/sysrq-trigger
sleep 5
`,
  );
  const image = path.join(folder, 'initramfs');
  const serial = path.join(folder, 'serial.log');
  // Overlay layers must not overlap, so each tree is a separate share; the first is on top.
  const shares = [
    ...(run.over === undefined ? [] : [{name: 'over', folder: run.over}]),
    {name: 'tools', folder: lab.tree},
    {name: 'host', folder: '/'},
  ];
  const names = shares.map(({name}) => name);
  writeFileSync(image, initramfs(lab, script, names));
  const firmware = [
    path.join(lab.tree, 'usr/share/qemu'),
    path.join(lab.tree, 'usr/share/seabios'),
    '/usr/share/qemu',
    '/usr/share/seabios',
  ];
  const argv = [
    '-M', 'q35', '-cpu', 'Nehalem', '-accel', 'tcg,thread=multi,tb-size=512', '-smp', '2', '-m', String(run.memory ?? 3072),
    ...firmware.flatMap((text) => ['-L', text]),
    '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-serial', `file:${serial}`,
    '-kernel', lab.kernel, '-initrd', image,
    '-append', 'console=ttyS0 quiet panic=-1 norandmaps mitigations=off nokaslr audit=0 apparmor=0 nowatchdog tsc=reliable no_timer_check random.trust_cpu=on',
    '-device', 'virtio-serial-pci', '-chardev', 'stdio,id=out,signal=off', '-device', 'virtconsole,chardev=out',
    ...shares.flatMap(({name, folder: shared}) => [
      '-fsdev', `local,id=${name},path=${shared},security_model=none,readonly=on,multidevs=remap`,
      '-device', `virtio-9p-pci,fsdev=${name},mount_tag=${name}`,
    ]),
    ...(run.forward
      ? [
          '-netdev', `user,id=lan,restrict=on,hostfwd=tcp:127.0.0.1:${run.forward.host}-10.0.2.15:${run.forward.guest}`,
          '-device', 'virtio-net-pci,netdev=lan,romfile=',
        ]
      : []),
    '-object', 'rng-random,id=rng,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=rng',
  ]; // prettier-ignore
  return new Promise<number | 'wrong clock'>((resolve, reject) => {
    const qemu = spawn(toolPath(lab.tree, 'qemu-system-x86_64'), argv, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: libraries(lab.tree),
    });
    let [status, partial, errors]: [number | 'wrong clock' | undefined, string, string] = [undefined, '', ''];
    let begun: {readonly host: number; readonly guest: number} | undefined;
    const end = (): void => {
      qemu.kill('SIGKILL');
    };
    run.signal?.addEventListener('abort', () => {
      status ??= 0;
      end();
    });
    const interrupted = (): void => {
      end();
      rmSync(folder, {recursive: true, force: true});
      process.exit(130);
    };
    process.on('SIGINT', interrupted);
    process.on('SIGTERM', interrupted);
    const timer = setTimeout(() => {
      run.out(`the micro-VM did not exit within ${Math.round(run.limit / 1_000)} s: killed`);
      end();
    }, run.limit);
    qemu.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      errors += chunk;
    });
    qemu.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (partial + chunk).split('\n');
      partial = lines.pop() ?? '';
      for (const raw of lines) {
        const line = raw.replace(/\r$/, '');
        if (line.startsWith(MARK)) {
          status = Number(line.slice(MARK.length));
          // The command has finished: no need to wait for the guest's power-off.
          end();
        } else if (line.startsWith(CLOCK)) {
          const now = {host: performance.now() / 1_000, guest: Number(line.slice(CLOCK.length))};
          if (begun && !clocksAgree(now.host - begun.host, now.guest - begun.guest)) {
            status = 'wrong clock';
            end();
          }
          begun = now;
        } else if (status === undefined) run.out(line);
      }
    });
    qemu.on('error', (error) => {
      errors += error.message;
    });
    qemu.on('close', () => {
      clearTimeout(timer);
      process.off('SIGINT', interrupted);
      process.off('SIGTERM', interrupted);
      let console_ = '';
      try {
        console_ = readFileSync(serial, 'utf8').split('\n').slice(-60).join('\n');
      } catch {
        // QEMU did not get that far.
      }
      rmSync(folder, {recursive: true, force: true});
      if (status !== undefined) resolve(status);
      else reject(new LabError(`the micro-VM exited before the command did.\n${errors}\n${console_}`));
    });
  });
}
