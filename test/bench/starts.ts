/**
 * `npm run bench:starts [-- --deb FILE]`: from exec until the director has its address, `hactl status`, and memory with every
 * spare ready; beside keepalived's start. One director without a peer, so that nobody waits for `initdead`. With `--deb` the
 * package's programs on its own Node, else the checkout's. Root.
 */
import {execFileSync, spawnSync} from 'node:child_process';
import {mkdtempSync, readdirSync, rmSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {readOptions} from '../options.ts';
import {makeNamespaces} from '../lab/namespaces.ts';
import {prepareLab} from '../lab/packages.ts';
import {figures, median} from '../lab/figures.ts';
import {addressChange, watchCommand} from '../lab/holders.ts';
import {until} from '../lab/until.ts';
import {pause} from './scene.ts';
import {usage} from './process-tree.ts';
import {dropVip, keepalived} from './subjects.ts';

const {values} = readOptions({
  options: {runs: {type: 'string', default: '10'}, deb: {type: 'string', default: ''}},
});
if (process.getuid?.() !== 0) {
  process.stderr.write('bench:starts creates network namespaces on this machine: run it as root\n');
  process.exit(1);
}
const checkout = path.resolve(import.meta.dirname, '../..');
const lab = prepareLab((line) => process.stderr.write(line + '\n'));
const tree = mkdtempSync(path.join(os.tmpdir(), 'hactl-starts-'));
process.on('exit', () => rmSync(tree, {recursive: true, force: true}));
if (values.deb) execFileSync('dpkg-deb', ['-x', values.deb, tree]);
const programs = values.deb ? path.join(tree, 'usr/lib/hactl') : path.join(checkout, 'src');
const node = values.deb ? path.join(programs, 'node') : process.execPath;
const program = (name: 'hactl' | 'hactld'): string =>
  path.join(
    programs,
    readdirSync(programs).find((file) => file === `${name}.mjs` || file === `${name}.ts`) ?? name,
  );
const environment = ['env', `NODE_COMPILE_CACHE=${path.join(tree, 'cache')}`];
/** The spares are loaded and idle. */
const SETTLED = 8_000;
const LOOKS = 5;

const site = makeNamespaces({checkout});
const here = path.join(site.root, 'starts');
const run = path.join(here, 'run');
for (const [file, text] of [
  [
    'ha.cf',
    `keepalive 100ms\ndeadtime 1\nudpport 694\nucast eth0 ${site.address('director2')}\nauto_failback on\nnode director1\n`,
  ],
  ['haresources', `director1 IPaddr2::${site.vip}/24/eth0\n`],
  ['authkeys', 'auth 1\n1 sha256 a-key-of-the-benchmark\n'],
] as const)
  // oxlint-disable-next-line no-await-in-loop -- three small files.
  await site.write('director1', path.join(here, 'ha.d', file), text, file === 'authkeys' ? 0o600 : 0o644);

let holdsSince: number | undefined;
const watch = await site.start('director1', watchCommand, path.join(site.root, 'addresses.log'));
watch.onLine((line) => {
  const change = addressChange(line, site.vip);
  if (change) holdsSince = change.holds ? (holdsSince ?? change.at) : undefined;
});
const taken = async (what: string, from: number): Promise<number> => {
  await until(`${what} has the address`, 60_000, () => holdsSince, 5);
  return (holdsSince ?? from) - from;
};

const [active, status, memory, theirs]: number[][] = [[], [], [], []];
try {
  for (let count = 0; count < Number(values.runs); count += 1) {
    // oxlint-disable no-await-in-loop -- one after another, alternating.
    const words = [
      ...environment,
      node,
      program('hactld'),
      '--config-dir',
      path.join(here, 'ha.d'),
      '--run-dir',
      run,
      '--state-dir',
      path.join(here, 'state'),
      '--node',
      'director1',
    ];
    const from = Date.now();
    const daemon = await site.start('director1', words, path.join(here, 'hactld.log'));
    active?.push(await taken('hactld', from));
    await pause(SETTLED);
    for (let look = 0; look < LOOKS; look += 1) {
      const asked = performance.now();
      const {status: code, stderr} = spawnSync(
        'env',
        [...environment.slice(1), node, program('hactl'), '--run-dir', run, 'status'],
        {encoding: 'utf8'},
      );
      status?.push(performance.now() - asked);
      if (code !== 0) throw new Error(`hactl status: ${code}: ${stderr}`);
    }
    memory?.push(usage(daemon.pid ?? 0).pss);
    await daemon.kill('SIGTERM');
    await dropVip(site, 'director1');
    holdsSince = undefined;

    const peer = keepalived(site, lab, {interval: 1_000, missed: 3});
    await peer.prepare();
    const started = Date.now();
    await peer.start('director1');
    theirs?.push(await taken('keepalived', started));
    await peer.end();
    holdsSince = undefined;
    // oxlint-enable no-await-in-loop
  }
} finally {
  await site.destroy();
}
const row = (what: string, all: readonly number[] = [], unit: string): string =>
  `${what}: ${figures(all)} ${unit}\n`;
process.stdout.write(
  `${values.deb ? path.basename(values.deb) : 'the checkout'}, ${values.runs} starts, median (min..max); the first start compiles\n` +
    row('hactld from exec until it has the address', active, 'ms') +
    row('keepalived, adverts of 1 s, from exec until it has the address', theirs, 'ms') +
    row('hactl status, the whole command', status, 'ms') +
    row('memory of one director, spares included (PSS)', memory, 'MB') +
    `hactld / keepalived = ${(median(active ?? []) / median(theirs ?? [])).toFixed(2)}\n`,
);
