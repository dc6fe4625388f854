/** The support bundle of a configuration full of secrets, with a daemon and logs that repeat them, contains none of them. */
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

test('the bundle has the files without any secret', async (t) => {
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
  // A daemon whose messages repeat them too.
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
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  t.is(await new Promise((resolve) => child.on('exit', resolve)), 0);

  t.is(statSync(out).mode & 0o777, 0o600);
  execFileSync('tar', ['-xzf', out, '-C', folder]);
  const [top = ''] = readdirSync(folder).filter((name) => name.startsWith('hactl-support-'));
  const texts = readdirSync(path.join(folder, top), {recursive: true, withFileTypes: true})
    .filter((entry) => entry.isFile())
    .map((entry) => [entry.name, readFileSync(path.join(entry.parentPath, entry.name), 'utf8')] as const);
  t.is((JSON.parse(output) as {files: string[]}).files.length, texts.length);
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

/** All places where a secret was or could be found in a bundle: planted in files, in logs and in unrelated files. */
const planted: Readonly<Record<string, string>> = {
  authkeys:
    'auth 3\n1 md5 S01-key\n2 sha1 S02-key with S03-blank\n3 sha256 "S04-quoted"\n 4\thmac-sha256\tS05-unknown\n#5 sha256 S06-old-key\n',
  'ha.cf': `node lvs1 lvs2
bcast eth1
stonith_host * external/ipmi hostname=x passwd=S07-ipmi userid=S08-user
stonith external/ssh S09-conf
hactl_fence /usr/sbin/fence_ipmilan -a 10.0.0.9 -p S10-fence --password=S11-fence
hactl_alert_command /usr/local/bin/tell --token S12-alert -uS13-user
hactl_webhook https://hooks.example.org/S14-path/S15-path?x=S16-query S17-token
hactl_webhook https://S18-user:S19-pass@hooks.example.org/
hactl_track_script 1s /usr/bin/redis-cli -a S20-redis ping
hactl_track_script 2s /usr/bin/mysql -pS21-mysql -e 'select 1'
hactl_track_script 2s /usr/bin/env PGPASSWORD=S22-pg psql
hactl_track_script 2s /usr/bin/curl -u mon:S23-curl -H "Authorization: Bearer S24-bearer" http://x/
hactl_track_script 2s /usr/bin/snmpget -c S25-community host
respawn root /usr/local/bin/agent -p S26-agent mon:S27-agent
respawn hacluster /usr/lib/heartbeat/thing S28-plain
`,
  haresources:
    'lvs1 IPaddr2::10.0.0.100/24/eth0 ldirectord::ldirectord.cf Mount::S29-share::S30-option ocf:x:db::passwd=S31-ocf::user=S32-ocf\n',
  'ldirectord.cf': `fallbackcommand="/usr/bin/failover --key S33-fallback"
callback="/usr/bin/callback S34-callback"
virtual=10.0.0.100:6379
\treal=10.0.0.1:6379 masq "AUTH S35-per-real", "OK"
\tservice=simpletcp
\trequest="AUTH S36-redis"
\treceive="OK"
\tpasswd = "S37-passwd"
virtual=10.0.0.100:3306
\treal=10.0.0.1:3306 masq
\tservice=mysql
\trequest="SELECT 1 FROM t WHERE key='S38-sql'"
\tpasswd='S39-single'
virtual=10.0.0.100:80
\treal=10.0.0.1:80 gate "/S40-path-without-question/status", "OK"
\trequest="/health/S41-token/index.html"
\tpassword=S42-misspelled
virtual=10.0.0.100:21
\treal=10.0.0.1:21 gate
\thactl_send="AUTH S43-send\\r\\n"
\thactl_expect="S44-expect"
\tcheckcommand="/usr/bin/check -P S45-check"
\tsecret=S46-radius
`,
  // Not in use: not packed at all.
  'server.key': '-----BEGIN PRIVATE KEY-----\nS47-pem\n-----END PRIVATE KEY-----\n',
  'notify.sh': '#!/bin/sh\nPASS=S48-script\n',
  '.htpasswd': 'admin:S49-hash\n',
  'ha.cf.orig': 'hactl_fence /usr/sbin/fence -p S50-backup\n',
};

test('no planted secret of any spelling is in the bundle, nor its copies in logs, as base64 or as hex', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-bundle-'));
  t.teardown(() => rmSync(folder, {recursive: true, force: true}));
  const [configDir, out] = [path.join(folder, 'etc'), path.join(folder, 'b.tar.gz')];
  mkdirSync(configDir);
  const log = path.join(folder, 'ha.log');
  const names = [
    ...Object.values(planted)
      .join('')
      .matchAll(/S\d\d-[\w-]+/g),
  ].map(([word]) => word);
  t.is(new Set(names).size, 50);
  for (const [name, text] of Object.entries(planted)) writeFileSync(path.join(configDir, name), text);
  writeFileSync(path.join(configDir, 'ha.cf'), `${planted['ha.cf']}logfile ${log}\n`);
  const used = names.filter((name) => !/^S(?:06|4[79]|48|50)-/.test(name));
  writeFileSync(
    log,
    used.map((name) => `it failed with ${name} and ${Buffer.from(name).toString('hex')}`).join('\n'),
  );
  execFileSync(process.execPath, [hactl, '--run-dir', folder, 'support-bundle', '--out', out, '--state-dir', folder, '--config-dir', configDir], {stdio: 'pipe'}); // prettier-ignore
  const all = execFileSync('tar', ['-xzOf', out], {encoding: 'utf8'});
  const listing = execFileSync('tar', ['-tzf', out], {encoding: 'utf8'});
  for (const name of ['server.key', 'notify.sh', '.htpasswd', 'ha.cf.orig'])
    t.false(listing.includes(name), `${name} is not in use`);
  t.deepEqual(
    names.filter((name) => all.includes(name)),
    [],
  );
  t.deepEqual(
    used.filter((name) => all.includes(Buffer.from(name).toString('hex'))),
    [],
  );
  for (const kept of [
    'virtual=10.0.0.100:6379',
    'node lvs1 lvs2',
    'IPaddr2::10.0.0.100/24/eth0',
    'receive="OK"',
  ])
    t.true(all.includes(kept), kept);
});

test('a bundle can be made without a daemon', async (t) => {
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

for (const line of [
  '1 sha256\tKEY',
  'auth 1 KEY',
  'auth KEY',
  'key 1 sha1 KEY',
  '1: sha1 KEY',
  '1 sha1=KEY',
  '1sha1 KEY',
  '$1 sha1 KEY\r',
  'sha1 1 KEY',
  '\ufeff1 sha1 KEY',
  '# 1 sha1 KEY',
  'KEY',
])
  test(`authkeys of a bundle: ${JSON.stringify(line)}`, (t) => {
    const key = 'Zq8-Secret77';
    const {text, secrets} = redactFile(`auth 1\n${line.replace('KEY', key)}\n`, 'authkeys');
    t.false(text.includes(key), text);
    t.false(scrub(`a log repeats ${key}`, secrets).includes(key), 'wherever else it is');
    t.true(text.startsWith('auth 1\n'));
  });

for (const line of [
  'stonith-host * ipmi root KEY',
  'hactl-fence /bin/f KEY',
  'hactlfence /bin/f KEY',
  'fence /bin/f KEY',
  'hactl_webhook https://hooks.example?t=KEY',
  'hactl_webhook user:KEY@hooks.example',
  'webhook https://hooks.example/KEY',
  'tsig KEY',
  'snmp_community KEY',
  '\tfallbackcommand="/bin/x" "KEY"',
  '\tsend="AUTH KEY"',
  '\temailalert=user:KEY@mail.example',
])
  test(`a file of a bundle: ${line.trim()}`, (t) => {
    const {text} = redactFile(line.replace('KEY', 'Zq8-Secret77'));
    t.false(text.includes('Secret77'), text);
  });

test('harmless text is kept', (t) => {
  const text =
    'real=10.0.0.1:80 gate 5 "/index.html", "OK"\nbcast eth1\nkeepalive 200ms\n# 1 of 5 sha256sums\n';
  t.is(redactFile(text).text, text);
  t.is(scrub('a%20b and a b', ['a b']), `${REDACTED} and ${REDACTED}`);
});
