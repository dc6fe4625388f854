/** The support bundle of a configuration full of secrets, with a daemon and logs that repeat them: none is in it. */
import {execFileSync, spawn} from 'node:child_process';
import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {serveControl} from '../control/server.ts';
import {controlSocket} from '../system/paths.ts';
import {redactFile, REDACTED, scrub} from './redact.ts';

const hactl = fileURLToPath(new URL('../hactl.ts', import.meta.url));

const secrets = [
  'key-of-the-pair', 'older key with blanks', 'db-Passw0rd', 'radius"shared\\x', 'token-in-request', 'per-real-token',
  'hook-token', 'T0000/B0000/hookpath', 'user:hookpw', 'ipmi-secret', 'fence-pass', 'virt pass word', 'tell-token',
]; // prettier-ignore

const files: Readonly<Record<string, string>> = {
  authkeys: `auth 2\n1 md5 older key with blanks\n2 sha256 key-of-the-pair\n`,
  'ha.cf': `node lvs1 lvs2
bcast eth1
auto_failback on
stonith_host * ipmilan 10.0.0.9 root ipmi-secret
hactl_fence /usr/sbin/fence -p fence-pass
hactl_alert_command /usr/local/bin/tell tell-token
hactl_webhook https://hooks.example.org/T0000/B0000/hookpath token=hook-token
hactl_webhook https://user:hookpw@hooks.example.org/
`,
  haresources: 'lvs1 IPaddr2::10.0.0.100/24/eth0 ldirectord::ldirectord.cf\n',
  'ldirectord.cf': `virtual=10.0.0.100:3306
\treal=10.0.0.1:3306 masq 1 "/?key=per-real-token", "OK"
\tservice=mysql
\tlogin="monitor"
\tpasswd = "db-Passw0rd"
\tdatabase=app
virtual=10.0.0.100:1812
\treal=10.0.0.1:1812 masq
\tservice=radius
\tsecret=radius"shared\\x
virtual=10.0.0.100:80
\treal=10.0.0.1:80 gate
\trequest="check?auth=token-in-request"
\tpasswd=virt pass word
`,
};

test('no secret is in the bundle, and the rest of the files is', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-bundle-'));
  t.teardown(() => rmSync(folder, {recursive: true, force: true}));
  const [configDir, runDir, out] = [
    path.join(folder, 'etc'),
    path.join(folder, 'run'),
    path.join(folder, 'b.tar.gz'),
  ];
  mkdirSync(configDir);
  mkdirSync(runDir);
  const log = path.join(folder, 'ha.log');
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(configDir, name), text);
  writeFileSync(path.join(configDir, 'ha.cf'), `${files['ha.cf']}logfile ${log}\n`);
  writeFileSync(
    log,
    `${secrets.map((secret) => `something with ${secret} in it`).join('\n')}\nthe last line\n`,
  );
  // A daemon whose words repeat them too.
  const control = await serveControl(controlSocket(runDir), () =>
    Promise.resolve({
      version: 1,
      node: 'd1',
      daemonVersion: '0',
      wall: 0,
      uptime: 0,
      configDir,
      configLoaded: 0,
      configNotices: 0,
      configDigest: '',
      ready: {ready: true, reason: ''},
      ipvs: {available: false},
      sync: {daemons: []},
      ldirectord: [],
      problems: secrets,
      virtuals: [],
      processes: [],
      transitions: [],
    }),
  );
  t.teardown(() => control.close());
  const child = spawn(process.execPath, [
    hactl,
    '--run-dir',
    runDir,
    'support-bundle',
    '--out',
    out,
    '--state-dir',
    folder,
    '--json',
  ]);
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  t.is(await new Promise((resolve) => child.on('exit', resolve)), 0);

  t.is(statSync(out).mode & 0o777, 0o600);
  execFileSync('tar', ['-xzf', out, '-C', folder]);
  const [top = ''] = readdirSync(folder).filter((name) => name.startsWith('hactl-support-'));
  const texts = readdirSync(path.join(folder, top), {recursive: true, withFileTypes: true})
    .filter((one) => one.isFile())
    .map((one) => [one.name, readFileSync(path.join(one.parentPath, one.name), 'utf8')] as const);
  t.is((JSON.parse(said) as {files: string[]}).files.length, texts.length);
  for (const [name, text] of texts)
    for (const secret of secrets) {
      t.false(text.includes(secret), `${secret} is in ${name}`);
      t.false(text.includes(JSON.stringify(secret).slice(1, -1)), `${secret} is in ${name}, as JSON`);
    }
  const all = texts.map(([name, text]) => `${name}\n${text}`).join('\n');
  for (const kept of [
    'virtual=10.0.0.100:3306',
    'login="monitor"',
    '2 sha256 [redacted]',
    'the last line',
    'hactl_webhook https://hooks.example.org/',
  ])
    t.true(all.includes(kept), kept);
  t.truthy(JSON.parse(texts.find(([name]) => name === 'status.json')?.[1] ?? ''));
});

test('without a daemon there is a bundle too', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-bundle-'));
  t.teardown(() => rmSync(folder, {recursive: true, force: true}));
  writeFileSync(path.join(folder, 'authkeys'), files.authkeys ?? '');
  const out = path.join(folder, 'b.tar.gz');
  const make = () =>
    execFileSync(
      process.execPath,
      [hactl, '--run-dir', folder, 'support-bundle', '--out', out, '--config-dir', folder],
      {
        encoding: 'utf8',
        stdio: 'pipe',
      },
    );
  t.regex(make(), /files, keys and passwords replaced/);
  const listing = execFileSync('tar', ['-tzf', out], {encoding: 'utf8'});
  t.regex(listing, /authkeys\n/);
  const text = execFileSync('tar', ['-xzOf', out, '--wildcards', '*/status.json'], {encoding: 'utf8'});
  t.regex(text, /not available: no daemon at/);
  t.throws(make, {message: /EEXIST/}, 'it never writes over a file');
});

test('lines of diagnostics in a log are redacted as the files are', (t) => {
  const {text} = redactFile('Nov 21 lvs1 hactld[1]: 2 | 1 sha1 whole key here\n3 | \tpasswd = some words');
  t.is(text, `Nov 21 lvs1 hactld[1]: 2 | 1 sha1 ${REDACTED}\n3 | \tpasswd = ${REDACTED}`);
});

test('what looks like nothing secret stays', (t) => {
  const text =
    'real=10.0.0.1:80 gate 5 "/index.html", "OK"\nbcast eth1\nkeepalive 200ms\n# 1 of 5 sha256sums\n';
  t.is(redactFile(text).text, text);
  t.is(scrub('a%20b and a b', ['a b']), `${REDACTED} and ${REDACTED}`);
});
