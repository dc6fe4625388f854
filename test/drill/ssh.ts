/**
 * The drill's hosts as real machines reached over ssh: vagrant/Vagrantfile's directors, real servers and client. Link events
 * cut the device of the service network; ssh uses the management network.
 */
import {execFile, execFileSync, spawn, spawnSync, type ChildProcessByStdio} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {createInterface} from 'node:readline';
import type {Readable, Writable} from 'node:stream';
import {setTimeout} from 'node:timers/promises';
import type {Outcome, Program, Site} from '../lab/site.ts';

export interface SshOptions {
  /** ssh configuration file with every host (`vagrant ssh-config`). */
  readonly config: string;
  readonly addresses: Readonly<Record<string, string>>;
  readonly webs: readonly string[];
  readonly vip: string;
  /** Path of Node on the client, and the folder with the drill's client instead of a checkout. */
  readonly node: string;
  readonly checkout: string;
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
/** Timeout of one command; retried while a machine boots. */
const LIMIT = 120_000;
/** How often a clock is read; the shortest round trip counts, its error being half of it at most. */
const CLOCK_LOOKS = 12;
/** Limit for all of them. */
const CLOCK_LIMIT = 30_000;
/** Timeout for stopping a program whose machine may be gone. */
const END_LIMIT = 10_000;

/**
 * How far a clock is ahead of ours, in ms. `remote` prints its own, in ms, for each line that it reads: a command of its own
 * would spend most of its round trip, a second on an emulated machine, before it reads the clock.
 */
async function clockAhead(remote: ChildProcessByStdio<Writable, Readable, null>): Promise<number> {
  // What cannot be written is not answered either.
  remote.stdin.on('error', () => undefined);
  const lines = createInterface({input: remote.stdout})[Symbol.asyncIterator]();
  let best = {trip: Infinity, ahead: 0};
  for (let look = 0; look < CLOCK_LOOKS; look += 1) {
    const before = Date.now();
    remote.stdin.write('\n');
    // oxlint-disable-next-line no-await-in-loop -- one round trip at a time is what is measured.
    const {value, done} = await lines.next();
    if (done === true) break;
    const after = Date.now();
    if (after - before < best.trip)
      best = {trip: after - before, ahead: Number(value) - (before + after) / 2};
  }
  remote.stdin.end();
  return best.ahead;
}

/** Opens the site. */
export function makeSshSite(options: SshOptions): Site {
  const local = mkdtempSync(path.join(os.tmpdir(), 'hactl-ssh-'));
  const programs = new Set<Program>();
  const devices = new Map<string, string>();
  // One multiplexed connection per host: the key exchange takes a second on an emulated machine.
  const shared = ['ControlMaster=auto', `ControlPath=${local}/%n`, 'ControlPersist=yes'];
  const alive = ['ConnectTimeout=10', 'ServerAliveInterval=5', 'ServerAliveCountMax=3', 'LogLevel=ERROR'];
  const flags = ['-F', options.config, ...[...shared, ...alive].flatMap((one) => ['-o', one])];
  const ssh = (host: string, command: string): [string, string[]] => [
    'ssh',
    [...flags, host, `sudo sh -c ${quote(command)}`],
  ];

  const run = (host: string, argv: readonly string[]): Promise<Outcome> =>
    new Promise((resolve) => {
      const [file, words] = ssh(host, argv.map(quote).join(' '));
      execFile(file, words, {timeout: LIMIT, maxBuffer: 1 << 24}, (error, stdout, stderr) =>
        resolve({status: error === null ? 0 : (error.code ?? error.signal ?? 1), stdout, stderr}),
      );
    });

  const signalTo = (host: string, signal: NodeJS.Signals, to: string): Promise<Outcome> =>
    run(host, ['kill', `-${signal.replace('SIG', '')}`, '--', to]);

  const device = (host: string): string => {
    const known = devices.get(host);
    if (known !== undefined) return known;
    const [file, words] = ssh(host, `ip -o -4 address show to ${options.addresses[host]}`);
    const found =
      /^\d+: (\S+)/.exec(execFileSync(file, words, {encoding: 'utf8', timeout: LIMIT}))?.[1] ?? 'eth1';
    devices.set(host, found);
    return found;
  };

  return {
    name: 'vagrant',
    means: new Set(['link', 'servers', 'disk', 'machine']),
    sharedFiles: false,
    webs: options.webs,
    vip: options.vip,
    node: options.node,
    checkout: options.checkout,
    address: (host) => options.addresses[host] ?? '',
    device,
    directory: () => '/tmp/hactl-drill',
    clockAhead: (host) => {
      const [file, words] = ssh(host, 'while read -r line; do date +%s%3N; done');
      return clockAhead(spawn(file, words, {stdio: ['pipe', 'pipe', 'ignore'], timeout: CLOCK_LIMIT}));
    },
    forget: (host) => {
      execFile('ssh', [...flags, '-O', 'exit', host], () => undefined);
    },
    run,
    start: async (host, argv, log) => {
      const folder = path.posix.dirname(log);
      const [file, args] = ssh(
        host,
        `mkdir -p ${quote(folder)}; echo $$; exec setsid -w sh -c ${quote(`echo $$; exec ${argv.map(quote).join(' ')} 2>>${quote(log)}`)}`,
      );
      const child = spawn(file, args, {stdio: ['pipe', 'pipe', 'pipe']});
      child.stderr.resume();
      const lines: string[] = [];
      const listeners: ((line: string) => void)[] = [];
      let [running, seen, leader]: [boolean, number, string | undefined] = [true, 0, undefined];
      createInterface({input: child.stdout}).on('line', (line) => {
        seen += 1;
        // The first two lines are the pids of the shell and of the new process group.
        if (seen === 2) leader = line.trim();
        if (seen <= 2) return;
        lines.push(line);
        for (const listener of listeners) listener(line);
      });
      const ended = new Promise<number | string>((resolve) => {
        child.on('exit', (code, signal) => {
          running = false;
          resolve(signal ?? code ?? 1);
        });
      });
      const program: Program = {
        host,
        lines,
        ended,
        get running() {
          return running;
        },
        signal: (signal) => {
          if (running && leader !== undefined) void signalTo(host, signal, `-${leader}`);
        },
        write: (line) => child.stdin.write(line + '\n'),
        onLine: (listener) => {
          for (const line of lines) listener(line);
          listeners.push(listener);
        },
        kill: async (signal, group = false) => {
          if (!running || leader === undefined) return;
          const end = new AbortController();
          const late = setTimeout(END_LIMIT, undefined, {signal: end.signal}).catch(() => undefined);
          await Promise.race([signalTo(host, signal, group ? `-${leader}` : leader), late]);
          await Promise.race([ended, late]);
          end.abort();
          child.kill('SIGKILL');
        },
      };
      programs.add(program);
      return Promise.resolve(program);
    },
    write: async (host, file, text, mode) => {
      const encoded = Buffer.from(text).toString('base64');
      const {status, stderr} = await run(host, [
        'sh',
        '-c',
        `mkdir -p ${quote(path.posix.dirname(file))} && echo ${encoded} | base64 -d > ${quote(file)} && chmod ${mode.toString(8)} ${quote(file)}`,
      ]);
      if (status !== 0) throw new Error(`cannot write ${file} on ${host}: ${stderr}`);
    },
    cutLink: async (host) => {
      await run(host, ['ip', 'link', 'set', device(host), 'down']);
    },
    restoreLink: async (host) => {
      await run(host, ['ip', 'link', 'set', device(host), 'up']);
      await run(host, ['ip', 'address', 'replace', `${options.addresses[host]}/24`, 'dev', device(host)]);
    },
    destroy: async () => {
      for (const program of programs)
        // oxlint-disable-next-line no-await-in-loop -- a handful of programs.
        await program.kill('SIGKILL', true);
      for (const host of Object.keys(options.addresses))
        spawnSync('ssh', [...flags, '-O', 'exit', host], {stdio: 'ignore', timeout: END_LIMIT});
      rmSync(local, {recursive: true, force: true});
    },
  };
}
