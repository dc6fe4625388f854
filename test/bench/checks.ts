/**
 * `npm run bench:checks`: health checks of hactl, Debian's keepalived and Debian's ldirectord, in turn, against one nginx
 * that answers on N addresses of a dedicated network; with `--tls` over TLS. CPU is that of the checker's process tree;
 * nginx counts the checks. Root; about 6 minutes.
 */
import {execFileSync, spawn, spawnSync, type ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import {readOptions} from '../options.ts';
import type {CheckSpec, FromChecks} from '@hactl/checks';
import {table} from '../../src/cli/render/table.ts';
import {programs} from '../../src/daemon/programs.ts';
import {until} from '../lab/until.ts';
import {median} from '../lab/figures.ts';
import {treeOf, usage} from './process-tree.ts';

const {values} = readOptions({
  options: {
    reals: {type: 'string', default: '1000,5000,10000'},
    seconds: {type: 'string', default: '20'},
    rounds: {type: 'string', default: '3'},
    only: {type: 'string', default: 'hactl,keepalived,ldirectord'},
    tls: {type: 'boolean', default: false},
  },
});
if (process.getuid?.() !== 0 || process.env.HACTL_SERVERS !== '1') {
  process.stderr.write('bench:checks must run as root, by `npm run bench:checks`\n');
  process.exit(1);
}

/** The check, in each checker's terms. */
const {service, port, keepalivedCheck} = values.tls
  ? ({service: 'https', port: 443, keepalivedCheck: 'SSL_GET'} as const)
  : ({service: 'http', port: 80, keepalivedCheck: 'HTTP_GET'} as const);
const INTERVAL = 1_000;
const NOTICE_LIMIT = 20_000;
/** Warm-up before the measurement: one-time costs (compilation) are not the cost of a check. */
const WARM = 10_000;
/** Real servers per virtual service. */
const PER_SERVICE = 10;
/** A checker whose log is silent for this long has settled. */
const SILENT = 3_000;
const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-bench-'));
const children = new Set<ChildProcess>();
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** The checker runs on the first core, the servers on the others. */
const pinned = os.availableParallelism() > 1;
const onFirst = pinned ? ['taskset', '-c', '0'] : [];
const onOthers = pinned ? ['taskset', '-c', `1-${os.availableParallelism() - 1}`] : [];

const start = (
  argv: readonly string[],
  env: NodeJS.ProcessEnv = {},
  output: number | 'ignore' = 'ignore',
): ChildProcess => {
  const [command = '', ...words] = argv;
  const child = spawn(command, words, {stdio: ['ignore', output, output], env: {...process.env, ...env}});
  children.add(child);
  child.on('exit', () => children.delete(child));
  return child;
};
const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  for (const pid of treeOf(child.pid ?? 0)) process.kill(pid, 'SIGKILL');
  await ended;
};

const addressOf = (at: number): string => `127.${1 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}`;
/** The virtual service whose first real server has this index. */
const serviceOf = (at: number): string => `10.${1 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}`;

/** Requests handled by nginx so far. Read over a Unix socket: the bench is outside nginx's network namespace. */
const served = (): Promise<number> =>
  new Promise((resolve, reject) => {
    http
      .get({socketPath: path.join(folder, 'status'), path: '/', agent: false}, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve(Number(/\s(\d+)\s*\nReading/.exec(text)?.[1] ?? NaN)));
      })
      .on('error', reject);
  });

/**
 * A network namespace with nginx in it, recreated for each measurement: leftovers of the previous checker (100,000 sockets in
 * TIME_WAIT) slow the next one down. Over veth instead of loopback keepalived never completes its first round of 5,000.
 */
interface Scene {
  /** Command prefix to run in this network. */
  readonly inside: readonly string[];
  end(): Promise<void>;
}

async function makeScene(): Promise<Scene> {
  const holder = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up && echo up && exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.add(holder);
  holder.on('exit', () => children.delete(holder));
  await once(holder.stdout, 'data');
  const inside = ['nsenter', `--net=/proc/${holder.pid}/ns/net`, '--'];
  rmSync(path.join(folder, 'status'), {force: true});
  const nginx = start([...inside, ...onOthers, 'nginx', '-p', folder, '-c', path.join(folder, 'nginx.conf')]);
  await until('nginx answers', 10_000, () => served().catch(() => false as const));
  return {
    inside,
    end: async () => {
      await end(nginx);
      await end(holder);
    },
  };
}

interface Running {
  readonly pid: number;
  /** Milliseconds from its start until every real server had been checked. */
  readonly firstRound: number;
  /** Resolves when the checker has reported this address down. */
  noticed(address: string): Promise<void>;
  stop(): Promise<void>;
  report?(): Promise<string>;
}
interface Checker {
  readonly name: string;
  start(count: number, scene: Scene): Promise<Running>;
}

/** The lines appended to a file since the last call: polling must not take CPU from the checker. */
function makeTail(file: string): () => string[] {
  let [at, rest] = [0, ''];
  const chunk = Buffer.alloc(1 << 20);
  return () => {
    const handle = openSync(file, 'r');
    try {
      for (let got = readSync(handle, chunk, 0, chunk.length, at); got > 0;) {
        at += got;
        rest += chunk.toString('latin1', 0, got);
        got = readSync(handle, chunk, 0, chunk.length, at);
      }
    } finally {
      closeSync(handle);
    }
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    return lines;
  };
}

/**
 * Starts a checker that logs failed servers. Resolves when nginx has handled the first round and the log is silent: a checker
 * overloaded by its own start reports servers down, and is not measured meanwhile.
 */
async function startOther(
  argv: readonly string[],
  {env = {}, log, checks, limit, begins, dead}: OtherOptions,
): Promise<Running> {
  const before = await served();
  const began = performance.now();
  const output = openSync(log, 'w');
  const child = start(argv, env, output);
  closeSync(output);
  const tail = makeTail(log);
  let [begun, firstRound, silentSince] = [0, 0, began];
  let settled = true;
  const look = (): void => {
    const lines = tail();
    if (lines.length > 0) silentSince = performance.now();
    if (begins !== undefined) for (const line of lines) begun += line.includes(begins) ? 1 : 0;
  };
  try {
    await until(
      'its first round is complete',
      limit,
      async () => {
        look();
        return (begins === undefined || begun >= checks) && (await served()) - before >= checks;
      },
      100,
    );
    firstRound = performance.now() - began;
    if (begins !== undefined)
      await until('it is silent', limit, () => {
        look();
        return performance.now() - silentSince >= SILENT;
      }).catch(() => (settled = false));
  } catch (error) {
    await end(child);
    throw error;
  }
  return {
    pid: child.pid ?? 0,
    firstRound,
    noticed: async (address) => {
      await until('it notices', NOTICE_LIMIT, () => tail().some((line) => dead(line, address)), 2);
    },
    stop: () => end(child),
    report: () => {
      const lost = tail().filter((line) => dead(line, '')).length;
      const flaps = lost === 0 ? '' : `; ${lost} times a healthy real server was reported down`;
      return Promise.resolve(settled ? flaps.slice(2) : `never settled${flaps}`);
    },
  };
}
interface OtherOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly log: string;
  readonly checks: number;
  readonly limit: number;
  /** Logged for each real server when its checks start: the first ones may have been checked many times by then. */
  readonly begins?: string;
  /** Whether the log line reports the real server of this address down; '' matches every address. */
  readonly dead: (line: string, address: string) => boolean;
}

const idOf = (address: string): string => `bench ${address}`;
const spec = (at: number): CheckSpec => ({
  id: idOf(addressOf(at)),
  checkType: {kind: 'negotiate'},
  service,
  family: 4,
  address: addressOf(at),
  port,
  protocol: 'tcp',
  virtualAddress: '10.0.0.1',
  virtualPort: port,
  realPort: port,
  checkTimeout: 900,
  negotiateTimeout: 900,
  checkInterval: INTERVAL,
  checkCount: 1,
  failureCount: 1,
  request: '/',
  receive: 'OK',
});

/** Our checks process, run as by the supervisor. */
const hactl: Checker = {
  name: 'hactl',
  start: async (count, {inside}) => {
    const began = performance.now();
    const child = spawn(
      'nsenter',
      [...inside.slice(1), process.execPath, ...(programs.checks.execArgv ?? []), programs.checks.entry],
      {stdio: ['inherit', 'inherit', 'inherit', 'ipc']},
    );
    children.add(child);
    child.on('exit', () => children.delete(child));
    if (pinned) spawnSync('taskset', ['-a', '-cp', '0', String(child.pid)]);
    let [up, round] = [0, 0];
    const down = new Set<string>();
    let reports: Extract<FromChecks, {type: 'reports'}> | undefined;
    child.on('message', (message: FromChecks) => {
      if (message.type === 'ready')
        child.send({type: 'configure', specs: Array.from({length: count}, (_, at) => spec(at))});
      if (message.type === 'verdict') {
        if (message.report.state === 'down') down.add(message.report.id);
        up += message.report.state === 'up' ? 1 : 0;
        if (up === count) round = performance.now() - began;
      }
      if (message.type === 'reports') reports = message;
    });
    await until('the first round is complete', 60_000, () => round > 0);
    return {
      pid: child.pid ?? 0,
      firstRound: round,
      noticed: async (address) => {
        await until('it notices', NOTICE_LIMIT, () => down.has(idOf(address)), 2);
      },
      stop: () => end(child),
      report: async () => {
        reports = undefined;
        child.send({type: 'report'});
        const answer = await until('the checks report', 10_000, () => reports);
        const counts = answer.reports.map((report) => report.checks);
        const failed = answer.reports.filter((report) => report.state !== 'up').length;
        const {p50, p99, max} = answer.lateness;
        return `lateness p50 ${Math.round(p50)}, p99 ${Math.round(p99)}, max ${Math.round(max)} ms; checks per real server ${Math.min(...counts)}..${Math.max(...counts)}; ${failed} down`;
      },
    };
  },
};

/** keepalived's HTTP_GET or SSL_GET. A shim answers its IPVS calls: only the checks are compared. */
const keepalived: Checker = {
  name: 'keepalived',
  start: async (count, {inside}) => {
    const services: string[] = [];
    for (let from = 0; from < count; from += PER_SERVICE) {
      const reals = Array.from(
        {length: Math.min(PER_SERVICE, count - from)},
        (_, at) =>
          `  real_server ${addressOf(from + at)} ${port} {\n    weight 1\n    ${keepalivedCheck} {\n      url {\n        path /\n        status_code 200\n      }\n      connect_timeout 1\n      retry 0\n      delay_before_retry 0.02\n    }\n  }`,
      );
      services.push(
        `virtual_server ${serviceOf(from)} ${port} {\n  delay_loop ${INTERVAL / 1_000}\n  lb_algo rr\n  lb_kind DR\n  protocol TCP\n${reals.join('\n')}\n}`,
      );
    }
    const file = path.join(folder, 'keepalived.conf');
    // A stale pid file whose pid was reused would look like a running instance.
    for (const left of ['k.pid', 'c.pid']) rmSync(path.join(folder, left), {force: true});
    writeFileSync(file, services.join('\n'));
    return startOther(
      [
        ...inside,
        ...onFirst,
        ...'keepalived -n -l -C -f'.split(' '),
        file,
        '-p',
        `${folder}/k.pid`,
        '-c',
        `${folder}/c.pid`,
      ],
      {
        env: {LD_PRELOAD: shim},
        log: path.join(folder, `keepalived-${count}.log`),
        checks: count,
        limit: 120_000,
        begins: 'Activating healthchecker',
        dead: (line, address) =>
          line.includes(address === '' ? 'Removing service [' : `Removing service [${address}]`),
      },
    );
  },
};

/** ldirectord with a stub for ipvsadm. */
const ldirectord: Checker = {
  name: 'ldirectord',
  start: async (count, {inside}) => {
    const file = path.join(folder, 'ldirectord.cf');
    const services: string[] = [];
    for (let from = 0; from < count; from += PER_SERVICE) {
      const reals = Array.from(
        {length: Math.min(PER_SERVICE, count - from)},
        (_, at) => `        real=${addressOf(from + at)}:${port} gate\n`,
      );
      services.push(
        `virtual=${serviceOf(from)}:${port}\n${reals.join('')}        service=${service}\n        request="/"\n        receive="OK"\n        scheduler=rr\n        protocol=tcp\n`,
      );
    }
    writeFileSync(
      file,
      `checktimeout=1\nnegotiatetimeout=1\ncheckinterval=1\nlogfile="${folder}/ldirectord.log"\n${services.join('')}`,
    );
    // It first adds all real servers, with an ipvsadm process for each.
    return startOther([...inside, ...onFirst, 'perl', which('ldirectord'), '-d', file, 'start'], {
      // Debian 12's LWP verifies the chain although ldirectord asks it not to verify the name.
      env: {SSL_CERT_FILE: path.join(folder, 'cert.pem')},
      log: path.join(folder, 'ldirectord.log'),
      checks: count,
      limit: 120_000,
      dead: (line, address) =>
        line.includes(`${service}://${address}${address === '' ? '' : `:${port}/ is down`}`) &&
        line.includes(' is down'),
    });
  },
};

const which = (name: string): string =>
  execFileSync('sh', ['-c', `command -v ${name}`], {encoding: 'utf8'}).trim();

const shim = path.join(folder, 'shim.so');
function prepare(): void {
  for (const name of ['bin', 'dead']) mkdirSync(path.join(folder, name));
  chmodSync(folder, 0o755);
  const {status} = spawnSync(
    'tcc',
    ['-shared', '-nostdlib', '-o', shim, path.join(import.meta.dirname, 'ipvs-shim.c')],
    {stdio: 'inherit'},
  );
  if (status !== 0) throw new Error('tcc cannot compile test/bench/ipvs-shim.c');
  // ldirectord lists and edits the table: the stub always succeeds.
  for (const file of ['/sbin/ipvsadm', '/usr/sbin/ipvsadm'])
    writeFileSync(file, '#!/bin/sh\nexit 0\n', {mode: 0o755});
  // The most common curve: the server's share of a handshake is cheap, and the checkers' shares are compared.
  if (values.tls)
    execFileSync(
      'openssl',
      [
        ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj /CN=bench'.split(' '),
        '-keyout',
        `${folder}/key.pem`,
        '-out',
        `${folder}/cert.pem`,
      ],
      {stdio: 'pipe'},
    );
  const tls = values.tls ? `ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;` : '';
  writeFileSync(
    path.join(folder, 'nginx.conf'),
    `daemon off; worker_processes ${Math.max(1, os.availableParallelism() - 1)}; pid ${folder}/nginx.pid; error_log ${folder}/error.log crit; worker_rlimit_nofile 60000;
events { worker_connections 20000; }
http { access_log off; keepalive_timeout 0;
  server { listen ${port}${values.tls ? ' ssl' : ''} backlog=16384; ${tls} location / { if (-f ${folder}/dead/$server_addr) { return 503; } return 200 "OK\\n"; } }
  server { listen unix:${folder}/status; location / { stub_status; } } }\n`,
  );
}

interface Figures {
  readonly rate: number;
  readonly cpu: number;
  readonly rss: number;
  readonly pss: number;
  readonly firstRound: number;
  readonly detection: number;
  readonly more: string;
}

/** Makes one real server answer 503 until the checker notices; returns the milliseconds. */
async function detect(running: Running, count: number): Promise<number> {
  const address = addressOf(count >> 1);
  const mark = path.join(folder, 'dead', address);
  const began = performance.now();
  writeFileSync(mark, '');
  try {
    await running.noticed(address);
    return performance.now() - began;
  } finally {
    rmSync(mark);
  }
}

async function measure(checker: Checker, count: number): Promise<Figures> {
  const scene = await makeScene();
  try {
    return await measureIn(scene, checker, count);
  } finally {
    await scene.end();
  }
}

async function measureIn(scene: Scene, checker: Checker, count: number): Promise<Figures> {
  const running = await checker.start(count, scene);
  await pause(WARM);
  const [requests, before, began] = [await served(), usage(running.pid), performance.now()];
  await pause(Number(values.seconds) * 1_000);
  const [after, now, ended] = [usage(running.pid), await served(), performance.now()];
  const more = (await running.report?.()) ?? '';
  // A checker that already has it down, as happens to healthy servers at times, would not log it again.
  const detection = await detect(running, count).catch(() => Infinity);
  await running.stop();
  // Reading the counter is itself a request.
  const checks = now - requests - 1;
  return {
    rate: (checks * 1_000) / (ended - began),
    cpu: ((after.cpu - before.cpu) * 1_000) / checks,
    rss: after.rss,
    pss: after.pss,
    firstRound: running.firstRound,
    detection,
    more,
  };
}

try {
  prepare();
  const rows: string[][] = [
    [
      'real servers',
      'checker',
      'checks/s',
      'CPU ms per 1,000',
      'RSS MB',
      'PSS MB',
      'first round s',
      'failure detected ms',
      '',
    ],
  ];
  const ratios: string[] = [];
  for (const count of values.reals.split(',').map(Number)) {
    const able =
      count <= 1_000 ? [hactl, keepalived, ldirectord] : count <= 5_000 ? [hactl, keepalived] : [hactl];
    const checkers = able.filter(({name}) => values.only.split(',').includes(name));
    const found = new Map<string, Figures[]>();
    // oxlint-disable no-await-in-loop -- one checker after the other.
    for (let round = 0; round < Number(values.rounds); round += 1)
      for (const checker of checkers) {
        const all = found.get(checker.name) ?? [];
        found.set(checker.name, all);
        try {
          all.push(await measure(checker, count));
          process.stderr.write(`${count} reals, round ${round + 1}: ${checker.name}\n`);
        } catch (error) {
          // A checker that does not complete its first round is reported, and the others continue.
          process.stderr.write(`${count} reals, round ${round + 1}: ${checker.name}: ${String(error)}\n`);
        }
      }
    // oxlint-enable no-await-in-loop
    const cpuOf = (name: string): number => median((found.get(name) ?? []).map(({cpu}) => cpu));
    for (const [name, all] of found) {
      if (all.length === 0) {
        rows.push([String(count), name, '-', '-', '-', '-', '-', '-', 'did not complete its first round']);
        continue;
      }
      rows.push([
        String(count),
        name,
        String(Math.round(median(all.map(({rate}) => rate)))),
        cpuOf(name).toFixed(0),
        median(all.map(({rss}) => rss)).toFixed(0),
        median(all.map(({pss}) => pss)).toFixed(0),
        (median(all.map(({firstRound}) => firstRound)) / 1_000).toFixed(1),
        median(all.map(({detection}) => detection)).toFixed(0),
        all.at(-1)?.more ?? '',
      ]);
      if (name !== 'hactl' && found.has('hactl') && Number.isFinite(cpuOf(name)))
        ratios.push(
          `${count} real servers: CPU of hactl / ${name} = ${(cpuOf('hactl') / cpuOf(name)).toFixed(2)}`,
        );
    }
  }
  process.stdout.write(`\n${values.rounds} rounds of ${values.seconds} s, medians\n`);
  process.stdout.write(table(rows, [0, 2, 3, 4, 5, 6]).join('\n') + '\n' + ratios.join('\n') + '\n');
} finally {
  for (const child of children)
    // oxlint-disable-next-line no-await-in-loop -- a handful.
    await end(child);
  rmSync(folder, {recursive: true, force: true});
}
process.exit(0);
