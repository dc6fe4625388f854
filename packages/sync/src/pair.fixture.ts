/**
 * Two directors of a test: two network namespaces of one kernel with a link between them, the real sync process in each,
 * and the kernel's connection list.
 */
import {execFileSync, spawn, type ChildProcess} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, rmSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import type {FromSync, SyncGroup, SyncSettings, SyncStatus, ToSync} from './messages.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
/** The sync process runs as hactld starts it: as root, without other capabilities. */
const SETPRIV = '/usr/bin/setpriv';
const RESTRICTED = [
  SETPRIV,
  '--bounding-set=-all,+net_admin,+net_raw,+net_bind_service',
  '--inh-caps=-all',
  '--no-new-privs',
  '--',
];
const ip = (...words: string[]): string => execFileSync('ip', words, {encoding: 'utf8'});

export type Side = 'one' | 'other';
/** one: 10.97.0.1, other: 10.97.0.2, both on `sync0`. */
export const addressOf = (side: Side): string => (side === 'one' ? '10.97.0.1' : '10.97.0.2');
const sideNames = ['one', 'other'] as const;
/** A host between the two, if a test needs one. */
export type Host = Side | 'third';

export type BarrierDone = FromSync & {readonly type: 'barrier-done'};

export interface SyncProcess {
  readonly pid: number;
  readonly logs: string[];
  status(): SyncStatus | undefined;
  send(message: ToSync): void;
  /** Resolves when the peer's kernel has all, or after `limit` ms. */
  barrier(limit?: number): Promise<BarrierDone>;
  /** SIGKILL: the kernel's daemons and settings stay behind. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export type Pair = ReturnType<typeof makePair>;

/**
 * `third`: the link leads through a third host that acts as a switch, 10.97.0.3 on `segment`, with ports `one` and `other`. It
 * may add other addresses on `lo` and send with them; it does not answer for them.
 */
export function makePair(name: string, {third = false} = {}) {
  const id = `${name}${process.pid.toString(36)}`;
  const namespace = (host: Host): string => `${id}-${host}`;
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'hactl-sync-'));
  const children = new Set<ChildProcess>();
  const sides = new Map<ChildProcess, Host>();
  const makeSide = (side: Side): void => {
    rmSync(path.join(scratch, side), {recursive: true, force: true});
    mkdirSync(path.join(scratch, side), {recursive: true});
    ip('netns', 'add', namespace(side));
    ip('-n', namespace(side), 'link', 'set', 'lo', 'up');
  };
  const addLink = (first: string, firstName: string, second: string, secondName: string): void => {
    ip(
      ...`link add ${firstName} netns ${first} type veth peer name ${secondName} netns ${second}`.split(' '),
    );
  };
  const address = (side: Side): void => {
    ip('-n', namespace(side), 'link', 'set', 'sync0', 'up');
    ip('-n', namespace(side), 'address', 'add', `${addressOf(side)}/24`, 'dev', 'sync0');
  };
  const plug = (side: Side): void => {
    addLink(namespace(side), 'sync0', namespace('third'), side);
    ip('-n', namespace('third'), 'link', 'set', side, 'master', 'segment', 'up');
    address(side);
  };
  /**
   * `side`: the one whose namespace is new. Without a third host the link is a single veth pair that disappears with either
   * namespace.
   */
  const join = (side: Side): void => {
    if (third) return plug(side);
    addLink(namespace('one'), 'sync0', namespace('other'), 'sync0');
    for (const each of sideNames) address(each);
  };
  const makeThird = (): void => {
    const host = namespace('third');
    ip('netns', 'add', host);
    ip(...`-n ${host} link add segment type bridge forward_delay 0 mcast_snooping 0`.split(' '));
    for (const link of ['segment', 'lo']) ip('-n', host, 'link', 'set', link, 'up');
    ip('-n', host, 'address', 'add', '10.97.0.3/24', 'dev', 'segment');
    for (const setting of ['arp_ignore=1', 'arp_announce=2'])
      ip('netns', 'exec', host, 'sysctl', '-qw', `net.ipv4.conf.all.${setting}`);
  };
  for (const side of sideNames) makeSide(side);
  if (third) {
    makeThird();
    for (const side of sideNames) join(side);
  } else join('one');

  /** A power cut and a reboot: everything in the namespace is lost, the kernel's table too. */
  const recreate = async (side: Side): Promise<void> => {
    const gone = [...children].filter((child) => sides.get(child) === side);
    for (const child of gone) child.kill('SIGKILL');
    await Promise.all(gone.map(ended));
    // The kernel destroys a deleted namespace later, and the link's other end with it.
    ip('-n', namespace(side), 'link', 'delete', 'sync0');
    ip('netns', 'delete', namespace(side));
    makeSide(side);
    join(side);
  };

  /** Runs a command in a host's namespace; its output. */
  const run = (side: Host, ...words: string[]): string =>
    execFileSync('ip', ['netns', 'exec', namespace(side), ...words], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      stdio: ['ignore', 'pipe', 'pipe'],
    });

  /** Starts a Node program there, with an IPC channel. */
  const start = (side: Host, file: string, ...words: string[]): ChildProcess => {
    const front = file === MAIN && existsSync(SETPRIV) ? RESTRICTED : [];
    const line = [...front, process.execPath, file, ...words];
    const child = spawn('ip', ['netns', 'exec', namespace(side), ...line], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    children.add(child);
    sides.set(child, side);
    child.on('exit', () => children.delete(child));
    return child;
  };
  const ended = (child: ChildProcess): Promise<void> =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve();
      else child.once('exit', () => resolve());
    });

  const settingsOf = (
    side: Side,
    active: boolean,
    more: Partial<SyncSettings> = {},
  ): {groups: SyncGroup[]; settings: SyncSettings} => ({
    groups: [{active, interface: 'sync0', syncid: 7}],
    settings: {
      mode: 'relay',
      port: 8_849,
      cluster: 'test',
      node: side,
      secret: 'a secret of the test',
      delay: 0,
      deadline: 60_000,
      sysctls: {sync_threshold: '0 2', sync_refresh_period: '10'},
      stateDir: path.join(scratch, side),
      ...more,
    },
  });

  /** `active` undefined: without connection sync. */
  const startSync = (
    side: Side,
    active: boolean | undefined,
    more: Partial<SyncSettings> = {},
  ): SyncProcess => {
    const logs: string[] = [];
    const barriers: ((done: BarrierDone) => void)[] = [];
    let status: SyncStatus | undefined;
    const child = start(side, MAIN);
    const send = (message: ToSync): void => {
      if (child.connected)
        child.send(message, () => {
          // It was killed during the send.
        });
    };
    child.on('message', (message: FromSync) => {
      if (message.type === 'ready')
        send({
          type: 'configure',
          ...settingsOf(side, active ?? false, more),
          ...(active === undefined ? {groups: []} : {}),
        });
      else if (message.type === 'status') status = message.status;
      else if (message.type === 'barrier-done') barriers.shift()?.(message);
      else logs.push(`${message.level}: ${message.message}`);
    });
    const poll = setInterval(() => send({type: 'status'}), 300);
    void ended(child).then(() => clearInterval(poll));
    return {
      // `ip netns exec` becomes the program: the pid is the program's.
      pid: child.pid ?? 0,
      logs,
      status: () => status,
      send,
      barrier: (limit = 5_000) =>
        new Promise((resolve) => {
          barriers.push(resolve);
          send({type: 'barrier', id: 1, limit});
        }),
      kill: async () => {
        child.kill('SIGKILL');
        await ended(child);
      },
      stop: async () => {
        send({type: 'stop'});
        await ended(child);
      },
    };
  };

  /**
   * The kernel's connections: `TCP ESTABLISHED 10.0.0.1:1000 10.0.0.100:80 10.0.0.2:8080` and the seconds left. A
   * template's state is omitted: the kernel sends it with the first packet and not when it becomes ASSURED.
   */
  const connections = (side: Side): Map<string, number> => {
    const found = new Map<string, number>();
    for (const line of run(side, 'ipvsadm', '-Lnc').split('\n').slice(2)) {
      const [protocol, expires = '', state, client, virtual, destination] = line.trim().split(/\s+/);
      // The pulse's own connections are skipped.
      if (!destination || virtual?.startsWith('127.88.48.')) continue;
      const [minutes = 0, seconds = 0] = expires.split(':').map(Number);
      const shown = client?.endsWith(':0') ? 'template' : state;
      found.set(`${protocol} ${shown} ${client} ${virtual} ${destination}`, minutes * 60 + seconds);
    }
    return found;
  };

  const destroy = async (): Promise<void> => {
    for (const child of children) child.kill('SIGKILL');
    await Promise.all([...children].map(ended));
    for (const host of third ? ([...sideNames, 'third'] as const) : sideNames)
      try {
        ip('netns', 'delete', namespace(host));
      } catch {
        // Not made.
      }
    rmSync(scratch, {recursive: true, force: true});
  };

  return {run, start, startSync, connections, destroy, namespace, ended, recreate, settingsOf};
}

/** The next message from a program; an error if it exits first: its output is on standard error. */
export function said<Said = unknown>(child: ChildProcess): Promise<Said> {
  return new Promise((resolve, reject) => {
    const exited = (code: number | null, signal: string | null): void =>
      reject(
        new Error(`${child.spawnargs.slice(5).join(' ')} ended with ${signal ?? code} and said nothing`),
      );
    child.once('exit', exited);
    child.once('message', (message) => {
      child.off('exit', exited);
      resolve(message as Said);
    });
  });
}

/** Waits until the condition holds; the timeout's error names it. */
export async function until(what: string, limit: number, condition: () => boolean): Promise<void> {
  const end = performance.now() + limit;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${limit / 1_000} s: ${what}`);
    // oxlint-disable-next-line no-await-in-loop -- this loop is the waiting.
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}

/**
 * Waits until the condition holds, as long as `progress` keeps changing: a slow machine may take its time, and only a stall is
 * an error.
 */
export async function untilStalled(
  what: string,
  limit: number,
  progress: () => unknown,
  condition: () => boolean,
): Promise<void> {
  let before = progress();
  const moved = (): boolean => progress() !== before;
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- one step of progress after the other.
    await until(`${what}, or progress`, limit, () => condition() || moved());
    if (condition()) return;
    before = progress();
  }
}

/** The same services on both, as from an ldirectord.cf; port 81 is persistent. */
const table = `-A -t 10.96.0.100:80 -s rr
-a -t 10.96.0.100:80 -r 10.96.0.2:8080 -m
-a -t 10.96.0.100:80 -r 10.96.0.3:8080 -m
-A -t 10.96.0.100:81 -s rr -p 300
-a -t 10.96.0.100:81 -r 10.96.0.2:8080 -m
-a -t 10.96.0.100:81 -r 10.96.0.3:8080 -m
-A -t [fd96::64]:80 -s rr
-a -t [fd96::64]:80 -r [fd96::2]:8080 -m
-A -u 10.96.0.100:80 -s rr
-a -u 10.96.0.100:80 -r 10.96.0.2:8080 -m
-A -f 9 -s rr
-a -f 9 -r 10.96.0.2:8080 -m`;

/** Sets up a director's addresses and services; client and real servers are on its `lo`. */
export function services(pair: Pair, side: Side): void {
  for (const address of ['10.96.0.2/32', '10.96.0.3/32', '10.96.0.100/32'])
    pair.run(side, 'ip', 'address', 'add', address, 'dev', 'lo');
  for (const address of ['fd96::2/128', 'fd96::64/128'])
    pair.run(side, 'ip', '-6', 'address', 'add', address, 'dev', 'lo', 'nodad');
  // Client ports on one side must not match a connection in the other side's table: the kernel would take it for that
  // connection, and drop it if its real server is gone.
  const ports = side === 'one' ? '32768 45999' : '46000 60999';
  pair.run(side, 'sysctl', '-qw', `net.ipv4.ip_local_port_range=${ports}`);
  for (const line of table.split('\n')) pair.run(side, 'ipvsadm', ...line.split(' '));
}
