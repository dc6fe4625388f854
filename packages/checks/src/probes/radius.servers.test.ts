/** service=radius against FreeRADIUS. */
import {writeFileSync} from 'node:fs';
import {systemClock} from '@hactl/base';
import test from 'ava';
import {probeRadius} from './radius.ts';
import {AMPLE, datagramServer, scratch, SHORT, startServer, type Server} from './real-server.ts';
import {checkOf, freePort} from './testing.ts';

const config = (folder: string, port: number): string => `name = checks
confdir = ${folder}
logdir = ${folder}
libdir = /usr/lib/freeradius
run_dir = ${folder}
log {
  destination = stdout
}
client director {
  ipaddr = 127.0.0.1
  secret = "shared secret"
  require_message_authenticator = yes
}
thread pool {
  start_servers = 1
  max_servers = 2
}
modules {
  pap {
  }
  files {
    usersfile = ${folder}/users
  }
}
server default {
  listen {
    type = auth
    ipaddr = 127.0.0.1
    port = ${port}
  }
  authorize {
    files
    pap
  }
  authenticate {
    Auth-Type PAP {
      pap
    }
  }
}
`;
const users = `monitoring Cleartext-Password := "se cret, and longer than one block"
locked Auth-Type := Reject
  Reply-Message = "Account closed"
`;

let server: Server;
test.before(async () => {
  const folder = scratch({users, dictionary: '$INCLUDE /usr/share/freeradius/dictionary\n'});
  const port = await freePort();
  writeFileSync(`${folder}/radiusd.conf`, config(folder, port));
  const argv = ['freeradius', '-f', '-d', folder, '-n', 'radiusd', '-l', 'stdout', '-xx'];
  server = await startServer(argv, folder, port, {ready: (log) => log.includes('Ready to process requests')});
});
test.after.always(() => server?.stop());

const good = {
  protocol: 'udp',
  login: 'monitoring',
  passwd: 'se cret, and longer than one block',
  secret: 'shared secret',
} as const;
const radius = test.macro(async (t, more: object, passed: boolean, reason: RegExp) => {
  const result = await probeRadius(checkOf('radius', server.port, {...good, ...more}), AMPLE, systemClock);
  t.is(result.passed, passed, result.reason);
  t.regex(result.reason, reason);
});

test('accepted', radius, {}, true, /^answered in \d+ ms, Access-Accept for monitoring$/);
test(
  'wrong password',
  radius,
  {passwd: 'other'},
  false,
  /Access-Reject for monitoring.*: login or passwd is wrong/,
);
test('rejected with words', radius, {login: 'locked'}, false, /Access-Reject for locked: "Account closed"/);
test('unknown login', radius, {login: 'nobody'}, false, /Access-Reject for nobody/);
test('no secret', radius, {secret: undefined}, false, /needs a secret=/);
test('no login', radius, {login: undefined}, false, /needs a login=/);
test('a password too long', radius, {passwd: 'x'.repeat(129)}, false, /longer than RADIUS can carry/);

test('another secret: the server does not answer', async (t) => {
  const spec = checkOf('radius', server.port, {...good, secret: 'other'});
  const result = await probeRadius(spec, SHORT, systemClock);
  t.false(result.passed);
  t.regex(result.reason, /no answer .* within 300 ms, asked \dx \(.* another secret=\)/);
});

test('a silent server fails at the limit', async (t) => {
  const silent = await datagramServer();
  t.teardown(silent.stop);
  const result = await probeRadius(checkOf('radius', silent.port, good), SHORT, systemClock);
  t.false(result.passed);
  t.regex(result.reason, /no answer .* within 300 ms/);
});

test('an answer signed with another secret fails', async (t) => {
  const forger = await datagramServer((datagram) =>
    Buffer.concat([Buffer.of(2, datagram[1] ?? 0, 0, 20), Buffer.alloc(16)]),
  );
  t.teardown(forger.stop);
  const result = await probeRadius(checkOf('radius', forger.port, good), AMPLE, systemClock);
  t.false(result.passed);
  t.regex(result.reason, /signed with another secret/);
});

test('nothing listens', async (t) => {
  const result = await probeRadius(checkOf('radius', await freePort(), good), AMPLE, systemClock);
  t.false(result.passed);
  t.regex(result.reason, /udp refused: nothing listens there/);
});
