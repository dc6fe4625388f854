/** pop, pops, imap and imaps against Debian's Dovecot. */
import {writeFileSync} from 'node:fs';
import test from 'ava';
import {failsWhenBroken} from './broken-relay.ts';
import {probeImap} from './imap.ts';
import {probePop} from './pop.ts';
import {
  certificate,
  checkOf,
  failsOnTheDead,
  fails,
  folder,
  freePort,
  passes,
  startServer,
} from './testing.ts';

test('Dovecot passes, in the clear and over TLS', async (t) => {
  const home = folder(t);
  const {cert, key} = certificate(home);
  const [pop, pops, imap, imaps] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const listener = (name: string, port: number, secure: boolean): string =>
    `inet_listener ${name} {\n port = ${port}\n ssl = ${secure ? 'yes' : 'no'}\n }`;
  writeFileSync(`${home}/users`, 'ha:{PLAIN}se"cret::::::\n');
  writeFileSync(
    `${home}/dovecot.conf`,
    `base_dir = ${home}/run
state_dir = ${home}/state
log_path = /dev/stderr
listen = 127.0.0.1
protocols = imap pop3
ssl = yes
ssl_cert = <${cert}
ssl_key = <${key}
disable_plaintext_auth = no
default_internal_user = dovecot
default_login_user = dovenull
first_valid_uid = 0
mail_location = maildir:${home}/mail
passdb {
  driver = passwd-file
  args = ${home}/users
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=${home}
}
service imap-login {
  chroot =
  ${listener('imap', imap, false)}
  ${listener('imaps', imaps, true)}
}
service pop3-login {
  chroot =
  ${listener('pop3', pop, false)}
  ${listener('pop3s', pops, true)}
}
service anvil {
  chroot =
}
`,
  );
  await startServer(t, {argv: ['dovecot', '-F', '-c', `${home}/dovecot.conf`], port: imaps});
  const known = {login: 'ha', passwd: 'se"cret'};
  const wrong = {login: 'ha', passwd: 'guess'};
  const greeted = /^connected in \d+ ms, greeting "\+OK Dovecot.*", no login asked for$/;
  await passes(t, probePop, checkOf('pop', pop), greeted);
  await passes(t, probePop, checkOf('pop', pop, known), /logged in as ha$/);
  await passes(t, probePop, checkOf('pops', pops, known), /TLS ok, greeting .*logged in as ha$/);
  await fails(t, probePop, checkOf('pop', pop, wrong), /the answer to PASS of ha is "-ERR .*[Aa]uth/);
  await fails(t, probePop, checkOf('pop', imap), /the greeting is "\* OK/);
  await fails(t, probePop, checkOf('pops', pop, {negotiateTimeout: 2_000}), /connected in \d+ ms, /);

  await passes(t, probeImap, checkOf('imap', imap), /greeting "\* OK .*", no login asked for$/);
  await passes(t, probeImap, checkOf('imap', imap, known), /logged in as ha$/);
  await passes(t, probeImap, checkOf('imaps', imaps, known), /TLS ok, greeting .*logged in as ha$/);
  await fails(t, probeImap, checkOf('imap', imap, wrong), /the answer to LOGIN ha is "a NO .*[Aa]uth/);
  await fails(t, probeImap, checkOf('imap', pop), /the greeting is "\+OK/);

  await failsWhenBroken(t, probePop, checkOf('pop', pop, known));
  await failsWhenBroken(t, probePop, checkOf('pops', pops, known), true);
  await failsWhenBroken(t, probeImap, checkOf('imap', imap, known));
  await failsWhenBroken(t, probeImap, checkOf('imaps', imaps, known), true);
  await failsOnTheDead(t, probePop, checkOf('pop', 0));
  await failsOnTheDead(t, probePop, checkOf('pops', 0));
  await failsOnTheDead(t, probeImap, checkOf('imap', 0));
  await failsOnTheDead(t, probeImap, checkOf('imaps', 0));
});
