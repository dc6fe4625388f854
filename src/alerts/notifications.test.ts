/** Real mails, commands, directories and files: the test's own SMTP server, the shell, the disk. */
import {chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync} from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type {CheckReport, CheckState} from '@hactl/checks';
import {parseLdirectordCf} from '@hactl/config';
import test, {type ExecutionContext} from 'ava';
import type {Mail} from '../system/mail.ts';
import {watchFiles} from '../configuration/file-watch.ts';
import {sendMail} from '../system/mail.ts';
import {runAlerts} from './run.fixture.ts';
import {reportEvery} from './slice.ts';
import {checkId} from '../table/services.ts';
import {runCommand} from '../system/shell.ts';
import {openSyslog, priority} from '../system/syslog.ts';
import {until} from '../../test/lab/until.ts';

const LIMIT = 20_000;
const resolve = {host: () => undefined, service: () => undefined};

const folder = (t: ExecutionContext): string => {
  const made = mkdtempSync(path.join(os.tmpdir(), 'hactl-outward-'));
  t.teardown(() => rmSync(made, {recursive: true, force: true}));
  return made;
};
const read = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');

const block = (more: string): string =>
  `virtual=10.0.0.100:80\n\treal=10.0.0.1:80 gate\n\treal=10.0.0.2:8080 masq\n${more}`;

/** A director's alerts with verdicts set by the test. */
function start(t: ExecutionContext, text: string, acting = () => true) {
  const {model, diagnostics} = parseLdirectordCf({path: 'x.cf', text}, {mode: 'strict', resolve});
  t.deepEqual(
    diagnostics.filter((diagnostic) => diagnostic.severity === 'error'),
    [],
  );
  const reports = new Map<string, CheckReport>();
  const mails: Mail[] = [];
  const alerts = runAlerts({
    files: [model],
    sendMail: (mail) => {
      mails.push(mail);
      return Promise.resolve();
    },
    judged: () => reports,
    acting,
  });
  t.teardown(() => alerts.stop());
  const [virtual] = model.virtuals;
  if (!virtual) throw new Error('no virtual');
  const ids = virtual.reals.map((real) => checkId(virtual, real));
  let checks = 0;
  const set = (...states: CheckState[]): void => {
    checks += 1;
    for (const [at, state] of states.entries()) {
      const id = ids[at] ?? '';
      reports.set(id, {id, state, failures: 0, checks, reason: 'as the test says', took: 1, at: 0});
    }
    alerts.look();
  };
  return {alerts, reports, mails, set, model};
}

test('both real servers fail at once: one mail, and the fallback command runs once', async (t) => {
  const out = path.join(folder(t), 'out');
  const alerts = start(
    t,
    block(`\temailalert=ops@example.org\n\temailalertstatus=running\n\tfallbackcommand=echo >>${out}\n`),
  );
  alerts.set('up', 'up');
  alerts.set('down', 'down');
  await until('a mail', LIMIT, () => alerts.mails.length > 0);
  t.regex(alerts.mails[0]?.subject ?? '', /^2 changes of real servers/);
  await until('the command', LIMIT, () => read(out) !== '');
  alerts.set('up', 'down');
  await until('the second command', LIMIT, () => read(out).includes('stop'));
  t.is(read(out), 'start 10.0.0.100:80 tcp\nstop 10.0.0.100:80 tcp\n');
});

test('a stop sends the waiting mails and runs the fallback command with stop', async (t) => {
  const out = path.join(folder(t), 'out');
  const alerts = start(t, block(`\temailalert=ops@example.org\n\tfallbackcommand=echo >>${out}\n`));
  alerts.set('down', 'down');
  await until('the command', LIMIT, () => read(out) !== '');
  await alerts.alerts.stop();
  t.is(read(out), 'start 10.0.0.100:80 tcp\nstop 10.0.0.100:80 tcp\n');
  t.is(alerts.mails.length, 1);
});

test('a standby sends no mail and runs no command', async (t) => {
  const out = path.join(folder(t), 'out');
  const alerts = start(
    t,
    block(`\temailalert=ops@example.org\n\tfallbackcommand=echo >>${out}\n`),
    () => false,
  );
  alerts.set('up', 'up');
  alerts.set('down', 'down');
  await alerts.alerts.stop();
  t.deepEqual(alerts.mails, []);
  t.is(read(out), '');
});

test('monitorfile: one line per check, none twice', async (t) => {
  const file = path.join(folder(t), 'monitor');
  const alerts = start(t, block(`\tmonitorfile=${file}\n\tcheckinterval=2\n`));
  t.is(reportEvery([alerts.model]), 1_000);
  alerts.set('up', 'down');
  const reports = [...alerts.reports.values()];
  alerts.alerts.fresh(reports);
  alerts.alerts.fresh(reports);
  await until('two lines', LIMIT, () => read(file).split('\n').length > 2);
  const lines = read(file).trim().split('\n');
  t.is(lines.length, 2);
  t.regex(
    lines[0] ?? '',
    /^\[[^\]]+\] \[\d+\] negotiate http tcp 10\.0\.0\.1 80 1 gate \[up\] as the test says$/,
  );
  t.regex(lines[1] ?? '', /\[down\] as the test says$/);
  t.is(reportEvery([start(t, block('')).model]), Infinity);
});

/** An SMTP server that accepts every mail; `heard` holds the lines it received. */
async function serveSmtp(t: ExecutionContext): Promise<{port: number; heard: string[]}> {
  const heard: string[] = [];
  const server = net.createServer((socket) => {
    let [data, text] = [false, ''];
    socket.write('220 test\r\n');
    socket.setEncoding('utf8');
    socket.on('error', () => undefined);
    socket.on('data', (chunk: string) => {
      text += chunk;
      for (let end = text.indexOf('\r\n'); end !== -1; end = text.indexOf('\r\n')) {
        const line = text.slice(0, end);
        text = text.slice(end + 2);
        heard.push(line);
        if (data) {
          if (line !== '.') continue;
          data = false;
          socket.write('250 taken\r\n');
        } else if (/^EHLO|^HELO/.test(line)) socket.write('250 test\r\n');
        else if (line === 'DATA') {
          data = true;
          socket.write('354 go on\r\n');
        } else if (line === 'QUIT') socket.end('221 bye\r\n');
        else socket.write('250 ok\r\n');
      }
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.teardown(() => server.close());
  const address = server.address();
  return {port: typeof address === 'object' && address ? address.port : 0, heard};
}

const mail: Mail = {
  to: ['ops@example.org', 'ann@example.org'],
  from: 'lvs@example.org',
  subject: '[Shop] Deleted real server: 10.0.0.1:80 (tcp 10.0.0.100:80)',
  text: 'ldirectord host: lvs1\n',
};

test('smtp: the server receives the mail for each recipient', async (t) => {
  const {port, heard} = await serveSmtp(t);
  await sendMail({...mail, smtp: `127.0.0.1:${port}`});
  t.true(heard.includes('MAIL FROM:<lvs@example.org>'));
  t.true(heard.includes('RCPT TO:<ops@example.org>'));
  t.true(heard.includes('RCPT TO:<ann@example.org>'));
  t.true(heard.some((line) => line.startsWith('Subject: [Shop] Deleted real server')));
  t.true(heard.includes('ldirectord host: lvs1'));
});

test('smtp: a refusal by the server is an error with its reason', async (t) => {
  await t.throwsAsync(sendMail({...mail, smtp: '127.0.0.1:1'}), {message: /ECONNREFUSED/});
});

test('without smtp the local sendmail gets the mail, and its absence is logged', async (t) => {
  const made = folder(t);
  const [program, out] = [path.join(made, 'sendmail'), path.join(made, 'out')];
  writeFileSync(program, `#!/bin/sh\necho "$@" >${out}\ncat >>${out}\n`);
  chmodSync(program, 0o755);
  await sendMail(mail, {sendmail: [path.join(made, 'nosuch'), program]});
  t.regex(read(out), /-f lvs@example\.org .*ops@example\.org/);
  t.regex(read(out), /Subject: \[Shop\] Deleted real server/);
  await t.throwsAsync(sendMail(mail, {sendmail: []}), {message: /name a mail server with smtp=/});
});

test('a hanging command is killed, with all its children', async (t) => {
  const log: string[] = [];
  await runCommand(
    {file: '/bin/sh', words: ['-c', 'sleep 600 & wait'], name: 'hanging'},
    (level, message) => log.push(`${level} ${message}`),
    100,
  );
  t.is(log[0], 'error hanging did not end within 100 ms: ended');
});

test('a command that fails or is missing is logged', async (t) => {
  const log: string[] = [];
  const note = (_: string, message: string) => log.push(message);
  await runCommand({file: '/bin/sh', words: ['-c', 'echo no; exit 3'], name: 'bad'}, note);
  await runCommand({file: '/no/such', words: [], name: 'missing'}, note);
  t.is(log[0], 'bad ended with exit status 3: no');
  t.regex(log[1] ?? '', /^missing cannot be run: .*ENOENT/);
});

test('logfile as a facility: each line goes to logger with its priority', async (t) => {
  const out = path.join(folder(t), 'out');
  const failures: string[] = [];
  const syslog = openSyslog('local0', (reason) => failures.push(reason), ['sh', '-c', `cat >>${out}`]);
  syslog.write('error', 'one\ntwo');
  syslog.write('info', 'three');
  await until('the lines', LIMIT, () => read(out).includes('three'));
  syslog.close();
  t.is(read(out), '<131>one\n<131>two\n<134>three\n');
  openSyslog('nosuch', (reason) => failures.push(reason)).write('info', 'x');
  t.deepEqual(failures, ['no such facility']);
  t.is(priority('daemon', 'warn'), 28);
});

test('autoreload and callback: new content is a change, a new mtime alone is not', async (t) => {
  const made = folder(t);
  const [file, touched] = [path.join(made, 'ldirectord.cf'), path.join(made, 'touched.cf')];
  for (const watched of [file, touched]) writeFileSync(watched, 'checktimeout=5\n');
  const messages: (readonly string[])[] = [];
  const watch = watchFiles((changed) => messages.push(changed), 10);
  t.teardown(() => watch.stop());
  watch.follow([file, touched]);
  // Both in one turn of the loop: a reader sees both or neither.
  utimesSync(touched, new Date(), new Date(Date.now() + 10_000));
  writeFileSync(file, 'checktimeout=6\n');
  await until('the change', LIMIT, () => messages.length > 0);
  t.deepEqual(messages, [[file]]);
  rmSync(file);
  await until('the file is gone', LIMIT, () => messages.length > 1);
  t.deepEqual(messages[1], [file]);
});

test('a reload before the watch looks does not swallow the change', (t) => {
  const made = folder(t);
  const [file, other] = [path.join(made, 'ldirectord.cf'), path.join(made, 'other.cf')];
  for (const watched of [file, other]) writeFileSync(watched, 'checktimeout=5\n');
  const watch = watchFiles(() => t.fail('the timer was not to look'), 60_000);
  t.teardown(() => watch.stop());
  watch.follow([file]);
  writeFileSync(file, 'checktimeout=6\n');
  // The two writes may be so close that they get the same mtime.
  utimesSync(file, new Date(), new Date(Date.now() + 10_000));
  watch.follow([file, other]);
  t.deepEqual(watch.look(), [file]);
  t.deepEqual(watch.look(), []);
});
