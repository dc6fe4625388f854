/** A machine in QEMU: boots from its disk, runs commands, can lose power. */
import {execFileSync, spawn, type ChildProcess} from 'node:child_process';
import {readFileSync} from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import {until} from '../lab/until.ts';
import type {Image} from './image.ts';
import type {Lan} from './lan.ts';

export interface MachineOptions {
  readonly name: string;
  readonly work: string;
  readonly image: Image;
  /** Files for /root. */
  readonly packages: readonly string[];
  /** A tap device, and the function that runs a command in its namespace. */
  readonly tap: string;
  readonly inside: Lan['inside'];
  readonly mac: string;
  readonly address: string;
}

export interface Done {
  readonly status: number;
  readonly text: string;
  /** Duration in seconds, measured on this side. */
  readonly took: number;
}

export interface Machine {
  readonly name: string;
  readonly address: string;
  /** Seconds from power-on until systemd runs our commands. */
  powerOn(): Promise<number>;
  /** Power loss: kills QEMU. */
  powerOff(): Promise<void>;
  /** Runs a shell command. Rejects if it takes longer than `limit` seconds or the machine goes down. */
  run(command: string, limit?: number): Promise<Done>;
  /** Like `run`; throws unless the status is 0. */
  must(command: string, limit?: number): Promise<Done>;
  /** `systemctl reboot`; seconds until it runs commands again. */
  reboot(): Promise<number>;
  /** The last lines of its serial console. */
  console(): string;
}

const BOOT_LIMIT = 400;

export function makeMachine(options: MachineOptions): Machine {
  const {name, work, image, tap, inside, mac, address} = options;
  const disk = path.join(work, `${name}.disk`);
  const serial = path.join(work, `${name}.console`);
  execFileSync('cp', ['--sparse=always', image.disk, disk]);
  execFileSync('debugfs', ['-w', '-f', '-', disk], {
    input: ['cd /root', ...options.packages.map((file) => `write ${file} ${path.basename(file)}`), ''].join(
      '\n',
    ),
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  let qemu: ChildProcess | undefined;
  let port: net.Socket | undefined;
  let ups = 0;
  let errors = '';
  let last = 0;
  const answers = new Map<string, (line: readonly string[]) => void>();
  const rigPath = path.join(work, `${name}.rig`);

  function connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = net.connect(rigPath, resolve);
      socket.on('error', reject);
      port = socket;
      let partial = '';
      socket.setEncoding('utf8').on('data', (chunk: string) => {
        const lines = (partial + chunk).split('\n');
        partial = lines.pop() ?? '';
        for (const line of lines) {
          const words = line.trim().split(' ');
          if (words[0] === 'UP') ups += 1;
          else answers.get(words[0] ?? '')?.(words);
        }
      });
    });
  }

  async function powerOn(): Promise<number> {
    const began = performance.now();
    const before = ups;
    const argv = [
      '-M', 'q35', '-cpu', 'Nehalem', '-accel', 'tcg,thread=multi,tb-size=256', '-smp', '1', '-m', '896',
      '-nodefaults', '-no-user-config', '-display', 'none', '-serial', `file:${serial}`,
      '-kernel', image.kernel, '-initrd', image.initrd,
      '-append', [
        'root=/dev/vda rw console=ttyS0 quiet panic=-1 net.ifnames=0 norandmaps mitigations=off nokaslr audit=0 apparmor=0',
        'nowatchdog tsc=reliable random.trust_cpu=on systemd.show_status=0',
        `systemd.hostname=${name} ip=${address}:::255.255.255.0:${name}:eth0:none`,
      ].join(' '),
      '-drive', `file=${disk},if=virtio,format=raw,cache=unsafe`,
      '-netdev', `tap,id=lan,ifname=${tap},script=no,downscript=no`, '-device', `virtio-net-pci,netdev=lan,mac=${mac}`,
      '-device', 'virtio-serial-pci', '-chardev', `socket,id=rig,path=${rigPath},server=on,wait=off`,
      '-device', 'virtserialport,chardev=rig,name=rig',
      '-object', 'rng-random,id=rng,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=rng',
    ]; // prettier-ignore
    const child = spawn(...inside('qemu-system-x86_64', ...argv), {stdio: ['ignore', 'ignore', 'pipe']});
    qemu = child;
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
    child.on('error', (error) => (errors += error.message));
    await until(`${name}: QEMU is listening`, 20_000, async () => {
      if (child.exitCode !== null) throw new Error(`${name}: QEMU exited: ${errors}`);
      return connect().then(
        () => true,
        () => false,
      );
    });
    await up(before);
    return (performance.now() - began) / 1_000;
  }

  const up = (before: number): Promise<true> =>
    until(`${name} runs commands`, BOOT_LIMIT * 1_000, () => {
      if (qemu?.exitCode !== null) throw new Error(`${name}: QEMU exited: ${errors}`);
      return ups > before;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${consoleText()}`);
    });

  async function powerOff(): Promise<void> {
    const child = qemu;
    qemu = undefined;
    port?.destroy();
    if (!child || child.exitCode !== null) return;
    const gone = new Promise<void>((resolve) => void child.once('close', () => resolve()));
    child.kill('SIGKILL');
    await gone;
  }

  function run(command: string, limit = 120): Promise<Done> {
    const id = `c${(last += 1)}`;
    const began = performance.now();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        answers.delete(id);
        reject(new Error(`${name}: no answer within ${limit} s: ${command}\n${consoleText()}`));
      }, limit * 1_000);
      answers.set(id, ([, status, text = '']) => {
        clearTimeout(timer);
        answers.delete(id);
        resolve({
          status: Number(status),
          text: Buffer.from(text, 'base64').toString('utf8'),
          took: (performance.now() - began) / 1_000,
        });
      });
      port?.write(`${id} ${Buffer.from(command).toString('base64')}\n`);
    });
  }

  async function must(command: string, limit?: number): Promise<Done> {
    const done = await run(command, limit);
    if (done.status !== 0) throw new Error(`${name}: ${command}: status ${done.status}\n${done.text}`);
    return done;
  }

  async function reboot(): Promise<number> {
    const began = performance.now();
    const before = ups;
    // The machine may go down before the command returns.
    run('systemctl reboot', BOOT_LIMIT).catch(() => undefined);
    await up(before);
    return (performance.now() - began) / 1_000;
  }

  function consoleText(): string {
    try {
      return readFileSync(serial, 'utf8').split('\n').slice(-30).join('\n');
    } catch {
      return '';
    }
  }

  return {name, address, powerOn, powerOff, run, must, reboot, console: consoleText};
}
