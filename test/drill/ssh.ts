/**
 * The drill's hosts as real machines reached over ssh: vagrant/Vagrantfile's two directors and two real servers. The
 * client is this machine. What is cut is the device of the service network; ssh uses the management network.
 */
import {execFile, execFileSync, spawn} from 'node:child_process';
import {createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {createInterface} from 'node:readline';
import type {Outcome, Program, Site} from '../lab/site.ts';

export interface SshOptions {
  /** An ssh configuration that knows every host by its name (`vagrant ssh-config`). */
  readonly config: string;
  readonly addresses: Readonly<Record<string, string>>;
  readonly webs: readonly string[];
  readonly vip: string;
  /** Where the checkout is on the hosts, and here. */
  readonly remoteCheckout: string;
  readonly checkout: string;
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
const LIMIT = 60_000;

/** Opens the site; `client` runs on this machine. */
export function makeSshSite(options: SshOptions): Site {
  const local = mkdtempSync(path.join(os.tmpdir(), 'hactl-ssh-'));
  const programs = new Set<Program>();
  const devices = new Map<string, string>();
  const isHere = (host: string): boolean => host === 'client';
  const ssh = (host: string, command: string): [string, string[]] =>
    isHere(host)
      ? ['sh', ['-c', command]]
      : ['ssh', ['-F', options.config, host, `sudo sh -c ${quote(command)}`]];

  const run = (host: string, argv: readonly string[]): Promise<Outcome> =>
    new Promise((resolve) => {
      const [file, words] = ssh(host, argv.map(quote).join(' '));
      execFile(file, words, {timeout: LIMIT, maxBuffer: 1 << 24}, (error, stdout, stderr) =>
        resolve({status: error === null ? 0 : (error.code ?? error.signal ?? 1), stdout, stderr}),
      );
    });

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
    name: 'ssh',
    sharedFiles: false,
    webs: options.webs,
    vip: options.vip,
    node: `${options.remoteCheckout}/node_modules/.bin/node`,
    checkout: options.remoteCheckout,
    address: (host) => options.addresses[host] ?? '',
    device,
    directory: (host) => (isHere(host) ? local : '/tmp/hactl-drill'),
    run,
    start: async (host, argv, log) => {
      // The client's program is this checkout's, on this machine.
      const words = isHere(host)
        ? argv.map((word) => word.replace(options.remoteCheckout, options.checkout))
        : argv;
      const folder = path.posix.dirname(log);
      const [file, args] = ssh(
        host,
        `mkdir -p ${quote(folder)}; echo $$; exec setsid -w sh -c ${quote(`echo $$; exec ${words.map(quote).join(' ')} 2>>${quote(log)}`)}`,
      );
      const child = spawn(file, args, {stdio: ['pipe', 'pipe', 'pipe']});
      if (isHere(host)) child.stderr.pipe(createWriteStream(log, {flags: 'a'}));
      const lines: string[] = [];
      const listeners: ((line: string) => void)[] = [];
      let [running, seen, leader]: [boolean, number, string | undefined] = [true, 0, undefined];
      createInterface({input: child.stdout}).on('line', (line) => {
        seen += 1;
        // The first two lines are the shell's number and the number of the new process group.
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
        signal: () => {
          throw new Error('over ssh a program cannot be frozen: the drill does so in namespaces only');
        },
        write: (line) => child.stdin.write(line + '\n'),
        onLine: (listener) => {
          for (const line of lines) listener(line);
          listeners.push(listener);
        },
        kill: async (signal, group = false) => {
          if (!running || leader === undefined) return;
          await run(host, ['kill', `-${signal.replace('SIG', '')}`, '--', group ? `-${leader}` : leader]);
          await ended;
        },
      };
      programs.add(program);
      return Promise.resolve(program);
    },
    write: async (host, file, text, mode) => {
      if (isHere(host)) {
        mkdirSync(path.dirname(file), {recursive: true});
        writeFileSync(file, text, {mode});
        return;
      }
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
      rmSync(local, {recursive: true, force: true});
    },
  };
}
