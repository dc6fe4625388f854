/**
 * Both check scripts of the first seed, run as by checktype=external: `$1` to `$4` are the addresses and ports of virtual
 * service and real server. `mysql` and `nc` are stubs on the PATH; the article's lost backslashes are restored, and its files in
 * /tmp are redirected to a private folder.
 */
import {chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import {systemClock} from '@hactl/base';
import {startChecks, type CheckReport} from '@hactl/checks';
import {parseLdirectordCf} from '@hactl/config';
import test, {type ExecutionContext} from 'ava';
import {checkSpec} from '../../src/table/services.ts';

const seeds = path.resolve(import.meta.dirname, '../fixtures/seeds');
const seed = (name: string): string => readFileSync(path.join(seeds, name), 'utf8');
const resolve = {host: () => undefined, service: () => undefined};
const LIMIT = 30_000;

/** Stub of mysql: prints 1 or the replica's lag; a file named after the host controls it. */
const mysql = (root: string): string => `#!/bin/sh
echo "$@" >>${root}/called
for word; do case $word in -h*) host=\${word#-h};; esac; done
read -r lag <${root}/$host || exit 1
[ "$lag" = hang ] && exec sleep 600
case "$*" in
  *'SELECT 1;') echo 1;;
  *'SHOW SLAVE STATUS\\G') printf '       Slave_IO_Running: Yes\\n  Seconds_Behind_Master: %s\\n' "$lag";;
  *) exit 1;;
esac
`;

/** Stub of nc -t HOST PORT that replaces port 25 with the test server's port. */
const nc = (root: string): string => `#!${process.execPath}
const fs = require('node:fs');
fs.appendFileSync('${root}/called', process.argv.slice(2).join(' ') + '\\n');
const port = Number(fs.readFileSync('${root}/' + process.argv[3], 'utf8'));
const socket = require('node:net').connect(port, '127.0.0.1');
process.stdin.pipe(socket).pipe(process.stdout);
socket.on('error', () => process.exit(1));
`;

interface Scene {
  readonly root: string;
  script(name: string, repair: (text: string) => string): string;
  /** Behaviour of a real server. */
  real(address: string, words: string): void;
  called(): string;
}

function scene(t: ExecutionContext): Scene {
  const root = mkdtempSync(path.join(os.tmpdir(), 'hactl-scripts-'));
  t.teardown(() => rmSync(root, {recursive: true, force: true}));
  const program = (name: string, text: string): string => {
    const file = path.join(root, name);
    writeFileSync(file, text);
    chmodSync(file, 0o755);
    return file;
  };
  program('mysql', mysql(root));
  program('nc', nc(root));
  return {
    root,
    script: (name, repair) => {
      const text = repair(seed(name)).replaceAll('/tmp/', `${root}/`);
      return program(name, text.replace('\n', `\nPATH=${root}:$PATH\necho "$@" >>${root}/words\n`));
    },
    real: (address, words) => writeFileSync(path.join(root, address), `${words}\n`),
    called: () =>
      existsSync(path.join(root, 'called')) ? readFileSync(path.join(root, 'called'), 'utf8') : '',
  };
}

/** Runs one round of checks of a configuration; returns the report on each real server by address. */
async function round(t: ExecutionContext, config: string): Promise<Map<string, CheckReport>> {
  const {model, diagnostics} = parseLdirectordCf({path: 'x.cf', text: config}, {mode: 'lenient', resolve});
  t.deepEqual(
    diagnostics.filter((diagnostic) => diagnostic.severity === 'error'),
    [],
  );
  const specs = model.virtuals.flatMap((virtual) =>
    virtual.reals.map((real) => checkSpec(virtual, real, undefined)),
  );
  const found = new Map<string, CheckReport>();
  await new Promise<void>((done, failed) => {
    const timer = setTimeout(
      () => failed(new Error(`only ${found.size} of ${specs.length} were checked`)),
      LIMIT,
    );
    const checks = startChecks(systemClock, 7, (message) => {
      if (message.type !== 'verdict') return;
      const address = specs.find((spec) => spec.id === message.report.id)?.address ?? '';
      found.set(address, message.report);
      if (found.size < specs.length) return;
      clearTimeout(timer);
      done();
    });
    t.teardown(() => checks.stop());
    checks.configure(specs);
  });
  return found;
}

const repairMysql = (text: string): string => text.replace('STATUSG', 'STATUS\\G');
const repairSmtp = (text: string): string =>
  text.replace(/"HELO.*QUITrn"/, (mail) => mail.replaceAll(/rn(?=[A-Z$.\\"])/g, '\\r\\n'));

test('s000_check_mysql.sh: up to 199 seconds of lag is up, more is down', async (t) => {
  const stage = scene(t);
  const script = stage.script('s000_check_mysql.sh', repairMysql);
  const states = {
    '127.0.0.2': '0',
    '127.0.0.3': '199',
    '127.0.0.4': '200',
    '127.0.0.5': 'NULL',
    '127.0.0.6': 'hang',
  };
  for (const [address, words] of Object.entries(states)) stage.real(address, words);
  const config = seed('s000_mysql1.cf')
    .replace('/root/scripts/check_mysql.sh', script)
    .replace('checktimeout=5', 'checktimeout=3')
    .replace('192.168.1.102:3306', '127.0.0.2->127.0.0.6:3306')
    .replace('192.168.1.103:3306', '127.0.0.7:3306');
  const found = await round(t, config);
  t.deepEqual(Object.fromEntries([...found].map(([address, {state}]) => [address, state])), {
    '127.0.0.2': 'up',
    '127.0.0.3': 'up',
    '127.0.0.4': 'down',
    '127.0.0.5': 'down',
    '127.0.0.6': 'down',
    '127.0.0.7': 'down',
  });
  t.regex(found.get('127.0.0.6')?.reason ?? '', /did not end within 3000 ms/);
  t.regex(found.get('127.0.0.4')?.reason ?? '', /ended with exit status 1/);
  const words = readFileSync(path.join(stage.root, 'words'), 'utf8').split('\n');
  t.true(words.includes('192.168.1.152 3306 127.0.0.2 3306'), words.join('\n'));
  t.true(stage.called().includes('-umonitoring -pmonitoring -h127.0.0.3 -N -e SELECT 1;'));
});

test('s000_check_mysql.sh as printed runs and reports down: STATUSG is not a statement', async (t) => {
  const stage = scene(t);
  const script = stage.script('s000_check_mysql.sh', (text) => text);
  stage.real('192.168.1.102', '0');
  stage.real('192.168.1.103', '0');
  const found = await round(t, seed('s000_mysql1.cf').replace('/root/scripts/check_mysql.sh', script));
  t.deepEqual(
    [...found.values()].map(({state}) => state),
    ['down', 'down'],
  );
});

/** A mail server with qmail's replies, as expected by the script; `last` is its reply to the message. */
async function serveSmtp(t: ExecutionContext, last: string): Promise<number> {
  const server = net.createServer((socket) => {
    let text = '';
    socket.setEncoding('utf8');
    socket.on('error', () => undefined);
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (!text.includes('\r\n.\r\nQUIT\r\n')) return;
      socket.end(
        ['220 mail', '250 mail', '250 ok', '250 ok', '354 go ahead', last, '221 mail', ''].join('\r\n'),
      );
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.teardown(() => server.close());
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

test('s000_check_smtp.sh: a server that accepts mail is up; one that refuses it or is unreachable is down', async (t) => {
  const stage = scene(t);
  const script = stage.script('s000_check_smtp.sh', repairSmtp);
  stage.real('192.168.1.50', String(await serveSmtp(t, '250 ok 1132067893 qp 14216')));
  stage.real('192.168.1.51', String(await serveSmtp(t, '451 try later')));
  stage.real('192.168.1.53', '1');
  const found = await round(t, seed('s000_smtp.cf').replace('/root/scripts/check_smtp.sh', script));
  t.deepEqual(Object.fromEntries([...found].map(([address, {state}]) => [address, state])), {
    '192.168.1.50': 'up',
    '192.168.1.51': 'down',
    '192.168.1.53': 'down',
  });
  const words = readFileSync(path.join(stage.root, 'words'), 'utf8').split('\n');
  for (const address of ['192.168.1.50', '192.168.1.51', '192.168.1.53'])
    t.true(words.includes(`192.168.1.153 25 ${address} 25`), words.join('\n'));
  t.true(stage.called().includes('-t 192.168.1.50 25'));
});
