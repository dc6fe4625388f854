import {readFileSync} from 'node:fs';
import test from 'ava';
import {parseSandbox} from './unit-sandbox.ts';

const unit = readFileSync(new URL('../packaging/files/hactld.service', import.meta.url), 'utf8');
/** As `systemctl show` prints the unit of the package. */
const shown = (more = ''): string =>
  ['ProtectSystem', 'ProtectHome', 'PrivateTmp', 'ReadWritePaths']
    .map((name) => new RegExp(`^${name}=.*$`, 'm').exec(unit)?.[0] ?? '')
    .concat('ReadOnlyPaths=', 'LoadState=loaded', more)
    .join('\n');

test('the unit of the package: logs and state may be written, homes and programs not', (t) => {
  const sandbox = parseSandbox(shown());
  for (const file of ['/var/log/x', '/etc/ha.d/x', '/run/x', '/srv/a/b', '/dev/null', '/var', '/tmp/x'])
    t.is(sandbox(file), undefined, file);
  for (const file of ['/home/u/x', '/root/x', '/run/user/0/x', '/opt/x', '/etc/x', '/usr/lib/x', '/variety'])
    t.regex(sandbox(file) ?? '', /^the unit hactld\.service may not write there.*ReadWritePaths=/, file);
});

test('a drop-in allows a folder, also one in a home', (t) => {
  const sandbox = parseSandbox(shown().replace(/^ReadWritePaths=.*$/m, '$& /opt/logs/ +/home/u'));
  t.is(sandbox('/opt/logs/x'), undefined);
  t.is(sandbox('/home/u/x'), undefined);
  t.regex(sandbox('/home/w/x') ?? '', /ProtectHome=read-only/);
});

test('without the unit, or without protection, nothing is forbidden', (t) => {
  t.is(parseSandbox('LoadState=not-found\nProtectSystem=strict')('/opt/x'), undefined);
  t.is(parseSandbox('')('/opt/x'), undefined);
  t.is(parseSandbox('LoadState=loaded\nProtectSystem=no\nProtectHome=no')('/home/x'), undefined);
  t.is(parseSandbox('LoadState=loaded\nProtectSystem=full\nProtectHome=no')('/opt/x'), undefined);
  t.regex(parseSandbox('LoadState=loaded\nProtectSystem=full')('/etc/x') ?? '', /ProtectSystem=full/);
});
