/** What the real ipvsadm answered (test/fixtures/ipvsadm/seen.jsonl), asked of ours on a table in memory. */
import test from 'ava';
import {makeMemoryIpvs} from '@hactl/ipvs';
import {readSeen, type Seen} from '../../../test/fixtures/ipvsadm/lines.ts';
import {readServices} from './names.ts';
import {runOn, type World} from './run.ts';

const services = readServices(`
tftp 69/udp
http 80/tcp www
domain 53/tcp
domain 53/udp
https 443/tcp
snpp 444/tcp
microsoft-ds 445/tcp
sip 5060/udp
sip-tls 5061/udp
http-alt 8080/tcp webcache
`);

const world = (input: string): World => ({
  ipvs,
  services: () => services,
  address: (host) => Promise.resolve(host === 'localhost' ? '127.0.0.1' : undefined),
  host: (address) => Promise.resolve(address === '127.0.0.1' ? 'localhost' : undefined),
  connections: () => '',
  input: () => input,
});

const ipvs = makeMemoryIpvs();

test('every line as ipvsadm answered it', async (t) => {
  const wrong: {line: string; seen: Partial<Seen>; ours: unknown}[] = [];
  const lines = readSeen();
  t.true(lines.length > 400);
  for (const {text, words, input, ...seen} of lines) {
    // oxlint-disable-next-line no-await-in-loop -- the lines build on one another.
    const ours = await runOn(world(input), words);
    if (
      JSON.stringify([ours.stdout, ours.stderr, ours.status]) !==
      JSON.stringify([seen.stdout, seen.stderr, seen.status])
    )
      wrong.push({line: text, seen, ours});
  }
  t.deepEqual(wrong, []);
});
