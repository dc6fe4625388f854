/** Debian's servers at the seeds' exact addresses, all on loopback in private namespaces. */
import {spawn, spawnSync} from 'node:child_process';
import {cpSync, mkdirSync, rmSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {prepare, scratch, startServer, type Server} from '../../packages/checks/src/probes/real-server.ts';
import {accepts, run} from '../../packages/checks/src/probes/testing.ts';

/** Adds the addresses to loopback; requires a private network namespace. */
export function takeAddresses(addresses: readonly string[]): void {
  if (process.env.HACTL_SERVERS !== '1')
    throw new Error('run it with test/lab/servers.ts: it needs private namespaces');
  for (const address of addresses) run(['ip', 'address', 'add', `${address}/32`, 'dev', 'lo']);
}

/** A server that can be stopped and started again. */
export interface Switch {
  start(): Promise<void>;
  stop(): Promise<void>;
}

function makeSwitch(start: () => Promise<Server>): Switch {
  let running: Server | undefined;
  return {
    start: async () => {
      running ??= await start();
    },
    stop: async () => {
      await running?.stop();
      running = undefined;
    },
  };
}

export interface Web extends Switch {
  /** Writes a page of the host. */
  page(name: string, text: string): void;
}

/** nginx on port 80 of the address; serves only `host` if given. */
export function web(address: string, host = ''): Web {
  const home = scratch({});
  const file = path.join(home, 'nginx.conf');
  const temps = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${home}/${kind};`,
  );
  const named = `server { listen ${address}:80; server_name "${host}"; root ${home}/www; }`;
  const otherServer = `server { listen ${address}:80 default_server; return 404; }`;
  writeFileSync(
    file,
    `daemon off; user root; worker_processes 1; pid ${home}/pid; error_log stderr;
events { worker_connections 64; }
http { access_log off; ${temps.join(' ')} ${host === '' ? '' : otherServer} ${named} }
`,
  );
  const up = {ready: () => accepts(80, address)};
  return {
    ...makeSwitch(() => startServer(['nginx', '-p', home, '-c', file], scratch({}), 80, up)),
    page: (name, text) => {
      const file = path.join(home, 'www', name);
      mkdirSync(path.dirname(file), {recursive: true});
      writeFileSync(file, text);
    },
  };
}

/** Exim on port 25 of the address; `answer` is its reply to a message: `accept message = …`, `defer message = …`. */
export function mail(address: string, answer: string): Switch {
  const home = scratch({});
  mkdirSync(`${home}/spool`);
  writeFileSync(
    `${home}/exim.conf`,
    `primary_hostname = real.test
spool_directory = ${home}/spool
log_file_path = ${home}/%slog
exim_user = root
exim_group = root
never_users =
local_interfaces = ${address}
daemon_smtp_ports = 25
tls_advertise_hosts =
queue_only = true
# The script says all it has to say at once.
smtp_enforce_sync = false
acl_smtp_rcpt = accept
acl_smtp_data = data
begin acl
data:
  ${answer}
`,
  );
  const up = {ready: () => accepts(25, address)};
  return makeSwitch(() => startServer(['exim4', '-C', `${home}/exim.conf`, '-bdf'], scratch({}), 25, up));
}

export interface Database extends Switch {
  sql(statement: string): string;
  /** A session that stays open until it is closed. */
  hold(statement: string): Promise<() => Promise<void>>;
}

let empty: string | undefined;

/** MariaDB on port 3306 of the addresses. */
export function database(id: number, addresses: readonly string[]): Database {
  const home = scratch({});
  const serverOptions = [
    '--no-defaults',
    '--user=root',
    '--innodb-log-file-size=4M',
    '--innodb-buffer-pool-size=8M',
  ];
  if (empty === undefined) {
    const made = scratch({});
    const words = ['--auth-root-authentication-method=normal', '--skip-test-db'];
    prepare(['mariadb-install-db', ...serverOptions, `--datadir=${made}/data`, ...words], made);
    empty = made;
  }
  cpSync(`${empty}/data`, `${home}/data`, {recursive: true});
  const client = ['mysql', '--no-defaults', '-uroot', `--socket=${home}/socket`, '-N'];
  const argv = [
    'mariadbd', ...serverOptions, `--datadir=${home}/data`, `--socket=${home}/socket`, `--pid-file=${home}/pid`,
    `--bind-address=${addresses.join(',')}`, '--port=3306', `--server-id=${id}`, `--log-bin=${home}/data/bin`,
    '--innodb-flush-log-at-trx-commit=0', '--skip-name-resolve', '--slave-net-timeout=4', '--master-retry-count=0',
  ]; // prettier-ignore
  const up = {ready: () => accepts(3306, addresses[0])};
  return {
    ...makeSwitch(() => startServer(argv, scratch({}), 3306, up)),
    sql: (statement) => run([...client, '-e', statement]),
    hold: (statement) =>
      new Promise((held, failed) => {
        const [command = '', ...words] = client;
        const session = spawn(command, [...words, '--unbuffered'], {stdio: ['pipe', 'pipe', 'inherit']});
        session.on('error', failed);
        session.stdout.once('data', () =>
          held(
            () =>
              new Promise((ended) => {
                session.on('close', () => ended());
                session.stdin.end();
              }),
          ),
        );
        session.stdin.write(`${statement}; SELECT 'held';\n`);
      }),
  };
}

/** Template folder of new databases. */
export function forgetDatabases(): void {
  if (empty !== undefined) rmSync(empty, {recursive: true, force: true});
  empty = undefined;
}

/** `nc` as update-alternatives would set it up. */
export function netcat(folder: string): void {
  const found = spawnSync('sh', ['-c', 'command -v nc.openbsd || command -v nc'], {encoding: 'utf8'});
  run(['ln', '-sf', found.stdout.trim(), path.join(folder, 'nc')]);
}
