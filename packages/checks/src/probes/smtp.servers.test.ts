/** smtp and submission against Debian's Exim. */
import {mkdirSync, writeFileSync} from 'node:fs';
import test, {type ExecutionContext} from 'ava';
import {failsWhenBroken} from './broken-relay.ts';
import {probeSmtp} from './smtp.ts';
import {checkOf, failsOnTheDead, fails, folder, freePort, passes, startServer} from './testing.ts';

async function exim(t: ExecutionContext<unknown>, acl: string): Promise<number> {
  const home = folder(t);
  const port = await freePort();
  mkdirSync(`${home}/spool`, {mode: 0o777});
  writeFileSync(
    `${home}/exim.conf`,
    `primary_hostname = real.test
spool_directory = ${home}/spool
log_file_path = ${home}/%slog
exim_user = root
exim_group = root
never_users =
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${port}
tls_advertise_hosts =
${acl}
`,
  );
  await startServer(t, {argv: ['exim4', '-C', `${home}/exim.conf`, '-bdf'], port});
  return port;
}

test('Exim passes', async (t) => {
  const port = await exim(t, '');
  await passes(
    t,
    probeSmtp,
    checkOf('smtp', port),
    /^connected in \d+ ms, greeting "220 real\.test ESMTP Exim .*", EHLO 250$/,
  );
  await passes(t, probeSmtp, checkOf('submission', port), /EHLO 250/);
  await failsWhenBroken(t, probeSmtp, checkOf('smtp', port));
  await failsOnTheDead(t, probeSmtp, checkOf('smtp', port));
});

test('an Exim that rejects the client fails', async (t) => {
  const full = await exim(t, 'smtp_accept_max = 0\nacl_smtp_connect = deny');
  await fails(t, probeSmtp, checkOf('smtp', full), /the greeting is "550 /);
  const wary = await exim(t, 'acl_smtp_helo = deny');
  await fails(t, probeSmtp, checkOf('smtp', wary), /greeting "220 .*the answer to HELO is "550 /);
});
