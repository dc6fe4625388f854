/** ftp against Debian's vsftpd. */
import {chmodSync, mkdirSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import test, {type ExecutionContext} from 'ava';
import {failsWhenBroken} from './broken-relay.ts';
import {probeFtp} from './ftp.ts';
import {accepts, checkOf, failsOnTheDead, fails, folder, freePort, passes, startServer} from './testing.ts';

/** vsftpd on this address, with two files to fetch. */
async function vsftpd(t: ExecutionContext<unknown>, listen: readonly string[]): Promise<number> {
  const home = folder(t);
  const port = await freePort();
  mkdirSync(`${home}/files`);
  mkdirSync(`${home}/empty`);
  chmodSync(`${home}/files`, 0o555);
  chmodSync(`${home}/empty`, 0o555);
  writeFileSync(`${home}/files/alive.txt`, 'first line\nIt Works\n', {mode: 0o644});
  writeFileSync(`${home}/files/long`, 'It Works\n'.repeat(200_000), {mode: 0o644});
  const settings = [
    ...listen, 'background=NO', `listen_port=${port}`, 'anonymous_enable=YES', 'no_anon_password=NO',
    `anon_root=${home}/files`, `secure_chroot_dir=${home}/empty`, 'ftp_username=ftp', 'nopriv_user=nobody',
    'local_enable=NO', 'isolate=NO', 'isolate_network=NO', 'seccomp_sandbox=NO', 'xferlog_enable=NO', '',
  ]; // prettier-ignore
  writeFileSync(`${home}/vsftpd.conf`, settings.join('\n'));
  const host = listen.includes('listen=YES') ? '127.0.0.1' : '::1';
  await startServer(t, {argv: ['vsftpd', `${home}/vsftpd.conf`], up: () => accepts(port, host)});
  return port;
}

test('vsftpd over IPv6', async (t) => {
  if (!Object.values(os.networkInterfaces()).some((iface) => iface?.some(({address}) => address === '::1'))) {
    process.stderr.write('ftp over IPv6 is not tested: this loopback has no ::1\n');
    t.pass();
    return;
  }
  const port = await vsftpd(t, ['listen=NO', 'listen_ipv6=YES', 'listen_address6=::1']);
  const spec = checkOf('ftp', port, {family: 6, address: '::1', request: 'alive.txt', receive: '^It Works$'});
  await fails(t, probeFtp, spec, /alive\.txt, 20 octets, does not match/);
  await passes(t, probeFtp, {...spec, receive: '\nIt Works$'}, /alive\.txt, 20 octets, matches/);
});

test('vsftpd', async (t) => {
  const port = await vsftpd(t, ['listen=YES', 'listen_address=127.0.0.1']);
  const spec = checkOf('ftp', port);
  await passes(t, probeFtp, spec, /greeting "220 .*logged in as anonymous, no file asked for$/);
  await passes(
    t,
    probeFtp,
    {...spec, request: 'alive.txt', receive: 'It Works$'},
    /logged in as anonymous, \/alive\.txt, 20 octets, matches \/It Works\$\/$/,
  );
  await passes(t, probeFtp, {...spec, request: '/alive.txt'}, /\/alive\.txt, 20 octets$/);
  await passes(t, probeFtp, {...spec, request: '/long', receive: 'It Works'}, /\/long, \d{6,} octets/);
  await fails(t, probeFtp, {...spec, request: '/long', receive: 'Other'}, /sent more than \d+ octets/);
  await fails(
    t,
    probeFtp,
    {...spec, request: '/alive.txt', receive: 'Elsewhere'},
    /20 octets, does not match \/Elsewhere\/: "first line\\nIt Works/,
  );
  await fails(t, probeFtp, {...spec, request: '/gone'}, /the answer to RETR \/gone is "550 /);
  await fails(t, probeFtp, {...spec, receive: 'It Works'}, /request names no file/);
  await fails(
    t,
    probeFtp,
    {...spec, login: 'ha', passwd: 'guess'},
    /the answer to (USER ha|PASS of ha) is "530 /,
  );
  await failsWhenBroken(t, probeFtp, {...spec, request: '/alive.txt', receive: 'It Works'});
  await failsOnTheDead(t, probeFtp, spec);
});
