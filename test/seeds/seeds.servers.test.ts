/**
 * Every configuration file of the seeds against live servers: nginx, MariaDB with replication, Exim, all at the seeds'
 * addresses. Each real server must be up, down when its server is stopped or gives wrong answers, and up again. The only changes:
 * the path of a script in the files; in the scripts the backslashes lost in the published articles; /tmp is a private folder.
 */
import {chmodSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {importConfig, loadWritten, parseLdirectordCf, type VirtualService} from '@hactl/config';
import test, {type ExecutionContext} from 'ava';
import {folder} from '../../packages/checks/src/probes/testing.ts';
import {watch, type Watch} from './checks.ts';
import {
  database,
  forgetDatabases,
  mail,
  netcat,
  takeAddresses,
  web,
  type Database,
  type Switch,
  type Web,
} from './servers.ts';

const fixtures = path.resolve(import.meta.dirname, '../fixtures');
const seed = (name: string): string => readFileSync(path.join(fixtures, 'seeds', name), 'utf8');
const resolve = {host: () => undefined, service: () => undefined};

const shops = ['192.168.1.203', '192.168.1.204'] as const;
const solrs = ['192.168.200.201', '192.168.200.203'] as const;
const checked = ['192.168.200.102', '192.168.200.103'] as const;
const esempio = ['192.168.0.50', '192.168.0.51', '192.168.0.52'] as const;
const nodes = ['192.168.122.1', '192.168.122.2', '192.168.122.3'] as const;
const mails = ['192.168.1.50', '192.168.1.51', '192.168.1.53'] as const;
const source = '192.168.1.101';
/** Each replica is a real server in two seeds. */
const replicas = [
  ['192.168.1.102', '192.168.2.241'],
  ['192.168.1.103', '192.168.2.242'],
] as const;

test.before(() =>
  takeAddresses([...shops, ...solrs, ...checked, ...esempio, ...nodes, ...mails, source, ...replicas.flat()]),
);
test.after.always(() => forgetDatabases());

/** Starts a server that is stopped after the test. */
async function running(t: ExecutionContext<unknown>, servers: readonly Switch[]): Promise<void> {
  for (const server of servers) t.teardown(() => server.stop());
  await Promise.all(servers.map((server) => server.start()));
}

function virtualsOf(t: ExecutionContext<unknown>, text: string): readonly VirtualService[] {
  const {model, diagnostics} = parseLdirectordCf({path: 'x.cf', text}, {mode: 'lenient', resolve});
  t.deepEqual(
    diagnostics.filter((diagnostic) => diagnostic.severity === 'error'),
    [],
  );
  return model.virtuals;
}

interface Page {
  readonly name: string;
  readonly text: string;
  readonly host?: string;
}

async function site(t: ExecutionContext<unknown>, addresses: readonly string[], page: Page): Promise<Web[]> {
  const servers = addresses.map((address) => web(address, page.host));
  for (const server of servers) server.page(page.name, page.text);
  await running(t, servers);
  return servers;
}

/** Stops each server in turn while its neighbour gives wrong answers. */
async function webStory(
  t: ExecutionContext<unknown>,
  files: readonly string[],
  addresses: readonly string[],
  page: Page,
): Promise<void> {
  const servers = await site(t, addresses, page);
  const checks = await watch(t, Object.fromEntries(files.map((name) => [name, virtualsOf(t, seed(name))])));
  await checks.until([]);
  for (const at of servers.keys()) {
    const next = (at + 1) % servers.length;
    const [stopped = '', wrong = ''] = [addresses[at], addresses[next]];
    // oxlint-disable no-await-in-loop -- sequential steps.
    await servers[at]?.stop();
    servers[next]?.page(page.name, 'under construction');
    await checks.until([stopped, wrong]);
    for (const file of files) {
      t.regex(checks.reason(file, stopped), /refused: nothing listens there/);
      t.regex(checks.reason(file, wrong), /HTTP 200, body does not match/);
    }
    await servers[at]?.start();
    servers[next]?.page(page.name, page.text);
    await checks.until([]);
    // oxlint-enable no-await-in-loop
  }
}

test('s001_tab.cf, s001_flat.cf', (t) =>
  webStory(t, ['s001_tab.cf', 's001_flat.cf'], checked, {name: 'check.txt', text: 'webserverisworking\n'}));

test('s004_tab.cf, s004_flat.cf, s004_tab_fixedquote.cf: a host by name', (t) =>
  webStory(t, ['s004_tab.cf', 's004_flat.cf', 's004_tab_fixedquote.cf'], esempio, {
    name: 'index.html',
    text: '<h1>It Works!</h1>\n',
    host: 'www.esempio.com',
  }));

/** Imports an lvs.cf, with the scripts at its paths. */
function imported(
  t: ExecutionContext<unknown>,
  name: string,
  edit: (text: string) => string,
): readonly VirtualService[] {
  const home = folder(t);
  const context = {
    node: 'lvs1',
    peer: 'lvs2',
    peerKnown: true,
    configId: '',
    addresses: [],
    installDir: home,
    resolve,
    read: () => undefined,
    glob: () => [],
  };
  const text = edit(readFileSync(path.join(fixtures, 'import/lvs.cf', name), 'utf8'));
  const result = importConfig({path: 'lvs.cf', text}, {context, secret: 'x'.repeat(64)});
  t.deepEqual(
    result.diagnostics.filter((diagnostic) => diagnostic.severity === 'error'),
    [],
  );
  for (const file of result.files) {
    mkdirSync(path.dirname(path.join(home, file.name)), {recursive: true});
    writeFileSync(path.join(home, file.name), file.text, {mode: file.mode});
  }
  return loadWritten(result.files, context).cluster?.ldirectord.flatMap((config) => config.virtuals) ?? [];
}

test('the lvs.cf of the third seed', async (t) => {
  const servers = await site(t, nodes, {name: 'index.html', text: 'node'});
  const checks = await watch(t, {'lvs.cf': imported(t, 'seed-002.cf', (text) => text)});
  await checks.until([]);
  await servers[1]?.stop();
  await checks.until([nodes[1]]);
  await servers[1]?.start();
  await checks.until([]);
});

/** A seed's script with a private /tmp, whose programs come first on the PATH. */
function script(home: string, name: string, repair = (text: string): string => text): string {
  const file = path.join(home, name);
  const text = repair(seed(name)).replaceAll('/tmp/', `${home}/`);
  writeFileSync(file, text.replace('\n', `\nPATH=${home}:$PATH\necho "$@" >>${home}/words\n`));
  chmodSync(file, 0o755);
  return file;
}

const repairMysql = (text: string): string => text.replace('STATUSG', 'STATUS\\G');
const repairSmtp = (text: string): string =>
  text.replace(/"HELO.*QUITrn"/, (words) => words.replaceAll(/rn(?=[A-Z$.\\"])/g, '\\r\\n'));

/** qmail's reply, expected by the script: Debian no longer has qmail, so Exim is configured to send it. */
const QMAIL = 'accept message = ok 1132067893 qp 14216';

/**
 * A source and its two replicas, which get the users by replication. An unapplied event immediately counts as ten minutes old:
 * the source's timestamps are set that far off.
 */
async function databases(t: ExecutionContext<unknown>): Promise<readonly [Database, Database, Database]> {
  const all = [database(1, [source]), database(2, replicas[0]), database(3, replicas[1])] as const;
  const [first, ...others] = all;
  await running(t, all);
  first.sql(`CREATE DATABASE pavnay; CREATE TABLE pavnay.t (n INT);
    CREATE USER 'monitoring'@'%' IDENTIFIED BY 'monitoring';
    GRANT SELECT, REPLICA MONITOR, REPLICATION CLIENT ON *.* TO 'monitoring'@'%';
    CREATE USER 'monitor'@'%' IDENTIFIED BY 'MiPass123';
    CREATE USER 'replica'@'%' IDENTIFIED BY 'replica';
    GRANT REPLICATION SLAVE ON *.* TO 'replica'@'%';
    SET GLOBAL init_connect = 'SET timestamp = UNIX_TIMESTAMP() + 600'`);
  for (const replica of others)
    replica.sql(`CHANGE MASTER TO MASTER_HOST='${source}', MASTER_USER='replica', MASTER_PASSWORD='replica',
      MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1; START SLAVE`);
  return all;
}

const [right, left] = [replicas[0][0], replicas[1][0]];
const [mysql1, mysql2] = replicas.map(([, address]) => address);

/** The first seed has its checks in separate files and also combined in one. */
async function firstSeed(t: ExecutionContext<unknown>, home: string): Promise<Watch> {
  netcat(home);
  const scripts: Readonly<Record<string, string>> = {
    '/root/scripts/check_mysql.sh': script(home, 's000_check_mysql.sh', repairMysql),
    '/root/scripts/check_smtp.sh': script(home, 's000_check_smtp.sh', repairSmtp),
  };
  const read = (name: string): readonly VirtualService[] =>
    virtualsOf(
      t,
      seed(name).replaceAll(/\/root\/scripts\/check_\w+\.sh/g, (file) => scripts[file] ?? file),
    );
  const names = ['http', 'solr', 'smtp', 'mysql1', 'mysql2', 'all_no_mysql2'];
  const monitor = script(home, 's003_mysql_mon.sh');
  return watch(t, {
    ...Object.fromEntries(names.map((name) => [name, read(`s000_${name}.cf`)])),
    // The fourth seed's script, run by nanny, on the same databases at their other addresses.
    'lvs.cf': imported(t, 'seed-003.cf', (text) => text.replace('/root/mysql_mon.sh', monitor)),
  });
}

test('s000_*.cf with both scripts, and the lvs.cf of the fourth seed with s003_mysql_mon.sh', async (t) => {
  const home = folder(t);
  const wary = mail(mails[1], 'defer message = try later');
  const [http, solr, [first, one, other], ...mailers] = await Promise.all([
    site(t, shops, {name: 'index.html', text: 'all is OK\n'}),
    site(t, solrs, {name: 'solr_blogs/admin/ping', text: '<str name="status">OK</str>'}),
    databases(t),
    ...mails.map(async (address) => {
      const server = mail(address, QMAIL);
      await running(t, [server]);
      return server;
    }),
  ]);
  t.teardown(() => wary.stop());
  const checks = await firstSeed(t, home);
  await checks.until([]);
  t.regex(checks.reason('smtp', mails[0]), /check_smtp\.sh ended with exit status 0$/);
  t.regex(checks.reason('mysql2', right), /login ok, 1 row\(s\), matches \/1\/$/);

  // One replica cannot apply the source's events, the other applies nothing; both answer.
  const release = await one.hold('LOCK TABLES pavnay.t WRITE');
  first.sql('INSERT INTO pavnay.t VALUES (1)');
  other.sql('STOP SLAVE SQL_THREAD');
  http[1]?.page('index.html', 'under construction');
  await Promise.all([http[0]?.stop(), solr[1]?.stop(), mailers[2]?.stop(), mailers[1]?.stop()]);
  await wary.start();
  const late = [right, left];
  await checks.until([...shops, solrs[1], mails[1], mails[2]], {mysql1: late, all_no_mysql2: late});
  t.regex(checks.reason('smtp', mails[1]), /check_smtp\.sh ended with exit status 1$/);
  await release();
  other.sql('START SLAVE SQL_THREAD');
  http[1]?.page('index.html', 'OK');
  await wary.stop();
  await Promise.all([http[0]?.start(), solr[1]?.start(), mailers[2]?.start(), mailers[1]?.start()]);
  await checks.until([]);

  // One is stopped, the other refuses logins.
  other.sql("SET sql_log_bin = 0; ALTER USER 'monitoring'@'%' ACCOUNT LOCK");
  solr[0]?.page('solr_blogs/admin/ping', 'down for maintenance');
  await Promise.all([one.stop(), http[1]?.stop(), mailers[0]?.stop()]);
  await checks.until([right, mysql1 ?? '', left, shops[1], solrs[0], mails[0]]);
  t.regex(checks.reason('mysql2', left), /login as … failed: /);
  t.regex(checks.reason('lvs.cf', mysql1 ?? ''), /check-mysql-3306 ended with exit status 1$/);
  other.sql("SET sql_log_bin = 0; ALTER USER 'monitoring'@'%' ACCOUNT UNLOCK");
  solr[0]?.page('solr_blogs/admin/ping', 'OK');
  await Promise.all([one.start(), http[1]?.start(), mailers[0]?.start()]);
  await checks.until([]);
  await other.stop();
  await checks.until([left, mysql2 ?? '']);
  await other.start();
  await checks.until([]);

  const words = readFileSync(path.join(home, 'words'), 'utf8').split('\n');
  for (const address of mails) t.true(words.includes(`192.168.1.153 25 ${address} 25`));
  for (const address of late) t.true(words.includes(`192.168.1.152 3306 ${address} 3306`));
  for (const address of [mysql1, mysql2]) t.true(words.includes(address ?? ''), 'nanny passes only %h');
  t.regex(readFileSync(path.join(home, 'cluster.mx'), 'utf8'), /^CHECK MX - 192\.168\.1\.50 - .* 1 \/ 0$/m);
  t.regex(readFileSync(path.join(home, 'cluster.sql'), 'utf8'), /^192\.168\.1\.102 NOK$/m);
});
