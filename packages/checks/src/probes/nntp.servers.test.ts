/** nntp against Debian's INN. */
import {mkdirSync, writeFileSync} from 'node:fs';
import test from 'ava';
import {failsWhenBroken} from './broken-relay.ts';
import {probeNntp} from './nntp.ts';
import {checkOf, failsOnTheDead, fails, folder, freePort, passes, run, startServer} from './testing.ts';

const asNews = ['setpriv', '--reuid', 'news', '--regid', 'news', '--clear-groups'];

test('innd', async (t) => {
  const home = folder(t);
  const port = await freePort();
  for (const name of ['etc', 'db', 'run', 'log', 'tmp', 'spool/articles', 'spool/incoming', 'spool/outgoing'])
    mkdirSync(`${home}/${name}`, {recursive: true});
  writeFileSync(
    `${home}/etc/inn.conf`,
    `mta: "/usr/sbin/sendmail -oi %s"
pathhost: real.test
domain: real.test
hismethod: hisv6
enableoverview: false
pathnews: /usr/lib/news
pathetc: ${home}/etc
pathdb: ${home}/db
pathrun: ${home}/run
pathlog: ${home}/log
pathspool: ${home}/spool
pathtmp: ${home}/tmp
`,
  );
  writeFileSync(`${home}/etc/storage.conf`, 'method tradspool {\n newsgroups: *\n class: 0\n}\n');
  writeFileSync(`${home}/etc/incoming.conf`, 'peer ME {\n hostname: "127.0.0.1"\n}\n');
  writeFileSync(`${home}/etc/newsfeeds`, 'ME:!*::\n');
  const groups = ['control', 'control.cancel', 'junk'].map((name) => `${name} 0000000000 0000000001 y\n`);
  writeFileSync(`${home}/db/active`, groups.join(''));
  for (const name of ['active.times', 'newsgroups', 'history']) writeFileSync(`${home}/db/${name}`, '');
  run(['chown', '-R', 'news:news', home]);
  const env = {INNCONF: `${home}/etc/inn.conf`};
  run([
    ...asNews,
    'env',
    `INNCONF=${env.INNCONF}`,
    'makedbz',
    '-s',
    '1000',
    '-f',
    `${home}/db/history`,
    '-i',
    '-o',
  ]);
  await startServer(t, {
    argv: [...asNews, 'innd', '-d', '-f', '-P', String(port), '-4', '127.0.0.1'],
    env,
    port,
  });
  const spec = checkOf('nntp', port);
  await passes(t, probeNntp, spec, /^connected in \d+ ms, greeting "200 real\.test InterNetNews server INN/);
  // INN's nnrpd without the overview that it needs: it rejects every client with that reason.
  const readers = await freePort();
  const reader = ['nnrpd', '-D', '-f', '-b', '127.0.0.1', '-p', String(readers)];
  await startServer(t, {argv: reader, env, port: readers});
  await fails(t, probeNntp, {...spec, port: readers}, /the greeting is "[45]\d\d /);
  await failsWhenBroken(t, probeNntp, spec);
  await failsOnTheDead(t, probeNntp, spec);
});
