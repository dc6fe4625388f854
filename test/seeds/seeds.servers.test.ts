/**
 * Every configuration file of the seeds against live servers: nginx, MariaDB with replication, Exim, all at the
 * addresses that the seeds print. Each real is seen up, down when its server is stopped or answers wrongly, and up again.
 * Of the files nothing is changed but the path of a script; of the scripts what the articles lost on the way to the web:
 * backslashes. /tmp is a folder of the test's own.
 */
import {chmodSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {importConfig, loadWritten, parseLdirectordCf, type VirtualService} from '@hactl/config';
import anyTest, {type ExecutionContext, type TestFn} from 'ava';
import {folder} from '../../packages/checks/src/probes/testing.ts';
import {watch} from './checks.ts';
import {
  database,
  forgetDatabases,
  mail,
  netcat,
  takeAddresses,
  web,
  type Database,
  type Switch,
} from './servers.ts';

const test = anyTest.serial as unknown as TestFn;
const fixtures = path.resolve(import.meta.dirname, '../fixtures');
const seed = (name: string): string => readFileSync(path.join(fixtures, 'seeds', name), 'utf8');
const resolve = {host: () => undefined, service: () => undefined};

const webs = {
  shop: ['192.168.1.203', '192.168.1.204'],
  solr: ['192.168.200.201', '192.168.200.203'],
  check: ['192.168.200.102', '192.168.200.103'],
  esempio: ['192.168.0.50', '192.168.0.51', '192.168.0.52'],
  piranha: ['192.168.122.1', '192.168.122.2', '192.168.122.3'],
} as const;
const mails = ['192.168.1.50', '192.168.1.51', '192.168.1.53'];
const source = '192.168.1.101';
/** Each replica is a real of two seeds. */
const replicas = [
  ['192.168.1.102', '192.168.2.241'],
  ['192.168.1.103', '192.168.2.242'],
] as const;

test.before(() => takeAddresses([...Object.values(webs).flat(), ...mails, source, ...replicas.flat()]));
test.after.always(() => forgetDatabases());

/** Started, and stopped after the test. */
async function running<T extends Switch>(
  t: ExecutionContext<unknown>,
  servers: readonly T[],
): Promise<readonly T[]> {
  for (const one of servers) t.teardown(() => one.stop());
  await Promise.all(servers.map((one) => one.start()));
  return servers;
}

function virtualsOf(t: ExecutionContext<unknown>, text: string): readonly VirtualService[] {
  const {model, diagnostics} = parseLdirectordCf({path: 'x.cf', text}, {mode: 'lenient', resolve});
  t.deepEqual(
    diagnostics.filter((one) => one.severity === 'error'),
    [],
  );
  return model.virtuals;
}

const all = (addresses: readonly string[], state: 'up' | 'down' = 'up'): Record<string, 'up' | 'down'> =>
  Object.fromEntries(addresses.map((address) => [address, state]));

/** Each server is stopped, then answers wrongly, and is seen each time; the others stay up. */
async function webStory(
  t: ExecutionContext<unknown>,
  virtuals: readonly VirtualService[],
  addresses: readonly string[],
  page: {readonly name: string; readonly text: string; readonly host?: string},
): Promise<void> {
  const servers = addresses.map((address) => web(address, page.host));
  for (const one of servers) one.page(page.name, page.text);
  await running(t, servers);
  const checks = await watch(t, virtuals);
  await checks.until(all(addresses));
  for (const [at, one] of servers.entries()) {
    const address = addresses[at] ?? '';
    const others = all(addresses);
    // oxlint-disable no-await-in-loop -- a story.
    await one.stop();
    await checks.until({...others, [address]: 'down'});
    t.regex(checks.reason(address), /refused: nothing listens there/);
    await one.start();
    await checks.until(others);
    one.page(page.name, 'under construction');
    await checks.until({...others, [address]: 'down'});
    t.regex(checks.reason(address), /HTTP 200, body does not match/);
    one.page(page.name, page.text);
    await checks.until(others);
    // oxlint-enable no-await-in-loop
  }
  await checks.stop();
}

const index = {name: 'index.html', text: 'all is OK\n'};

test('s000_http.cf', async (t) => {
  await webStory(t, virtualsOf(t, seed('s000_http.cf')), webs.shop, index);
});

test('s000_solr.cf', async (t) => {
  const page = {name: 'solr_blogs/admin/ping', text: '<str name="status">OK</str>'};
  await webStory(t, virtualsOf(t, seed('s000_solr.cf')), webs.solr, page);
});

for (const name of ['s001_tab.cf', 's001_flat.cf'])
  test(name, async (t) => {
    const page = {name: 'check.txt', text: 'webserverisworking\n'};
    await webStory(t, virtualsOf(t, seed(name)), webs.check, page);
  });

for (const name of ['s004_tab.cf', 's004_flat.cf', 's004_tab_fixedquote.cf'])
  test(`${name}: a host by name`, async (t) => {
    const page = {name: 'index.html', text: '<h1>It Works!</h1>\n', host: 'www.esempio.com'};
    await webStory(t, virtualsOf(t, seed(name)), webs.esempio, page);
  });

/** An import of an lvs.cf, its scripts where it says they are. */
function imported(
  t: ExecutionContext<unknown>,
  name: string,
  edit = (text: string): string => text,
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
    result.diagnostics.filter((one) => one.severity === 'error'),
    [],
  );
  for (const file of result.files) {
    mkdirSync(path.dirname(path.join(home, file.name)), {recursive: true});
    writeFileSync(path.join(home, file.name), file.text, {mode: file.mode});
  }
  return loadWritten(result.files, context).cluster?.ldirectord.flatMap((one) => one.virtuals) ?? [];
}

test('the lvs.cf of the third seed', async (t) => {
  const virtuals = imported(t, 'seed-002.cf');
  const servers = await running(
    t,
    webs.piranha.map((address) => web(address)),
  );
  for (const one of servers) one.page('index.html', 'node');
  const checks = await watch(t, virtuals);
  await checks.until(all(webs.piranha));
  await servers[1]?.stop();
  await checks.until({...all(webs.piranha), '192.168.122.2': 'down'});
  await servers[1]?.start();
  await checks.until(all(webs.piranha));
  await checks.stop();
});

/** A script of a seed, its /tmp a folder of the test's own; the programs of that folder are found first. */
function script(home: string, name: string, repair = (text: string): string => text): string {
  const file = path.join(home, name);
  const text = repair(seed(name)).replaceAll('/tmp/', `${home}/`);
  writeFileSync(file, text.replace('\n', `\nPATH=${home}:$PATH\necho "$@" >>${home}/words\n`));
  chmodSync(file, 0o755);
  return file;
}

const repairSmtp = (text: string): string =>
  text.replace(/"HELO.*QUITrn"/, (words) => words.replaceAll(/rn(?=[A-Z$.\\"])/g, '\\r\\n'));

/** qmail's words, which the script looks for: Debian has no qmail any more, Exim says what it is told to. */
const QMAIL = 'accept message = ok 1132067893 qp 14216';

async function smtpStory(t: ExecutionContext<unknown>, config: string): Promise<void> {
  const home = folder(t);
  netcat(home);
  const file = script(home, 's000_check_smtp.sh', repairSmtp);
  const virtuals = virtualsOf(t, config.replace('/root/scripts/check_smtp.sh', file)).filter(
    ({address}) => address.kind === 'address' && address.port === 25,
  );
  const [first, second, third] = await running(
    t,
    mails.map((address) => mail(address, QMAIL)),
  );
  const checks = await watch(t, virtuals);
  await checks.until(all(mails));
  t.regex(checks.reason('192.168.1.50'), /check_smtp\.sh ended with exit status 0$/);
  await third?.stop();
  await checks.until({...all(mails), '192.168.1.53': 'down'});
  await third?.start();
  await checks.until(all(mails));
  await second?.stop();
  const [wary] = await running(t, [mail('192.168.1.51', 'defer message = try later')]);
  await checks.until({...all(mails), '192.168.1.51': 'down'});
  await wary?.stop();
  await second?.start();
  await checks.until(all(mails));
  await first?.stop();
  await checks.until({...all(mails), '192.168.1.50': 'down'});
  await checks.stop();
  const words = readFileSync(path.join(home, 'words'), 'utf8').split('\n');
  for (const address of mails) t.true(words.includes(`192.168.1.153 25 ${address} 25`), words.join('\n'));
  t.regex(readFileSync(path.join(home, 'cluster.mx'), 'utf8'), /^CHECK MX - 192\.168\.1\.50 - .* 1 \/ 0$/m);
}

test('s000_smtp.cf with s000_check_smtp.sh', (t) => smtpStory(t, seed('s000_smtp.cf')));

/** A source and its two replicas. The users come to the replicas by replication. */
async function databases(t: ExecutionContext<unknown>): Promise<readonly [Database, Database, Database]> {
  const [first, one, other] = [database(1, [source]), database(2, replicas[0]), database(3, replicas[1])];
  await running(t, [first, one, other]);
  first.sql(`CREATE DATABASE pavnay; CREATE TABLE pavnay.t (n INT);
    CREATE USER 'monitoring'@'%' IDENTIFIED BY 'monitoring';
    GRANT SELECT, REPLICA MONITOR, REPLICATION CLIENT ON *.* TO 'monitoring'@'%';
    CREATE USER 'monitor'@'%' IDENTIFIED BY 'MiPass123';
    CREATE USER 'replica'@'%' IDENTIFIED BY 'replica';
    GRANT REPLICATION SLAVE ON *.* TO 'replica'@'%'`);
  for (const replica of [one, other])
    replica.sql(`CHANGE MASTER TO MASTER_HOST='${source}', MASTER_USER='replica', MASTER_PASSWORD='replica',
      MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1; START SLAVE`);
  return [first, one, other];
}

const [RIGHT, LEFT] = ['192.168.1.102', '192.168.1.103'];

test('s000_mysql1.cf with s000_check_mysql.sh, s000_mysql2.cf, s003_mysql_mon.sh, s000_all_no_mysql2.cf', async (t) => {
  const [first, one, other] = await databases(t);
  const home = folder(t);
  const file = script(home, 's000_check_mysql.sh', (text) => text.replace('STATUSG', 'STATUS\\G'));
  const place = (text: string): string => text.replace('/root/scripts/check_mysql.sh', file);
  const both = {[RIGHT]: 'up', [LEFT]: 'up'} as const;

  const external = await watch(t, virtualsOf(t, place(seed('s000_mysql1.cf'))));
  await external.until(both);
  // A replica that is far behind: it may not apply what the source wrote ten minutes ago.
  const release = await one.hold('FLUSH TABLES WITH READ LOCK');
  first.sql('SET TIMESTAMP = UNIX_TIMESTAMP() - 600; INSERT INTO pavnay.t VALUES (1)');
  await external.until({...both, [RIGHT]: 'down'});
  t.regex(one.sql('SHOW SLAVE STATUS\\G'), /Slave_SQL_Running: Yes|Yes/);
  await release();
  await external.until(both);
  other.sql('STOP SLAVE SQL_THREAD');
  await external.until({...both, [LEFT]: 'down'});
  other.sql('START SLAVE SQL_THREAD');
  await external.until(both);
  const words = readFileSync(path.join(home, 'words'), 'utf8').split('\n');
  for (const real of [RIGHT, LEFT])
    t.true(words.includes(`192.168.1.152 3306 ${real} 3306`), words.join('\n'));
  t.regex(readFileSync(path.join(home, 'cluster.sql'), 'utf8'), /^192\.168\.1\.102 NOK$/m);

  // The same servers, asked by the dialogue itself.
  const dialogue = await watch(t, virtualsOf(t, seed('s000_mysql2.cf')));
  await dialogue.until(both);
  t.regex(dialogue.reason(RIGHT), /login ok, 1 row\(s\), matches \/1\/$/);

  // And by the script of the fourth seed, which Piranha's nanny ran, under their other addresses.
  const monitor = script(home, 's003_mysql_mon.sh');
  const piranha = imported(t, 'seed-003.cf', (text) => text.replace('/root/mysql_mon.sh', monitor));
  const nanny = await watch(t, piranha);
  const others = {'192.168.2.241': 'up', '192.168.2.242': 'up'} as const;
  await nanny.until(others);

  await one.stop();
  await Promise.all([
    external.until({...both, [RIGHT]: 'down'}),
    dialogue.until({...both, [RIGHT]: 'down'}),
    nanny.until({...others, '192.168.2.241': 'down'}),
  ]);
  await one.start();
  await Promise.all([external.until(both), dialogue.until(both), nanny.until(others)]);
  other.sql("SET SESSION sql_log_bin = 0; ALTER USER 'monitoring'@'%' ACCOUNT LOCK");
  await dialogue.until({...both, [LEFT]: 'down'});
  t.regex(dialogue.reason(LEFT), /login as monitoring failed: /);
  other.sql("SET SESSION sql_log_bin = 0; ALTER USER 'monitoring'@'%' ACCOUNT UNLOCK");
  await dialogue.until(both);
  for (const checks of [external, dialogue, nanny]) await checks.stop(); // oxlint-disable-line no-await-in-loop -- in turn

  // The first seed's file as a whole, with everything it names.
  netcat(home);
  const smtp = script(home, 's000_check_smtp.sh', repairSmtp);
  const shops = await running(
    t,
    webs.shop.map((address) => web(address)),
  );
  const solr = await running(
    t,
    webs.solr.map((address) => web(address)),
  );
  for (const server of shops) server.page('index.html', 'OK');
  for (const server of solr) server.page('solr_blogs/admin/ping', 'OK');
  const [mailer] = await running(
    t,
    mails.map((address) => mail(address, QMAIL)),
  );
  const whole = place(seed('s000_all_no_mysql2.cf')).replace('/root/scripts/check_smtp.sh', smtp);
  const everything = await watch(t, virtualsOf(t, whole));
  const up = {...all([...webs.shop, ...webs.solr, ...mails]), ...both};
  await everything.until(up);
  await Promise.all([shops[0]?.stop(), solr[1]?.stop(), mailer?.stop(), other.stop()]);
  await everything.until({
    ...up,
    '192.168.1.203': 'down',
    '192.168.200.203': 'down',
    '192.168.1.50': 'down',
    [LEFT]: 'down',
  });
  await Promise.all([shops[0]?.start(), solr[1]?.start(), mailer?.start(), other.start()]);
  await everything.until(up);
  await everything.stop();
});
