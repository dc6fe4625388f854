/**
 * `npm run machines`: sets up QEMU machines with Debian 12, its kernel and systemd as in docs/install.md, and measures what a
 * client sees. `-- --only one` uses a single machine: install, init, READY, stop, purge. Needs root; removes everything it creates.
 * The machines are emulated: times are long, and longer on a busy host.
 */
import {execFileSync, spawnSync} from 'node:child_process';
import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {readOptions} from '../options.ts';
import {findImage, makeImage} from './image.ts';
import {makeLan, VIP, type Lan} from './lan.ts';
import {makeMachine, type Machine} from './machine.ts';
import {runPair} from './pair.ts';
import {runSingle} from './single.ts';
import {watch} from './traffic.ts';

const root = path.resolve(import.meta.dirname, '../..');
const {values} = readOptions({
  options: {
    only: {type: 'string'},
    /** An already built package. */
    deb: {type: 'string'},
    /** Folder of the disk image, reused if present and kept afterwards. `--only image` only builds the image. */
    image: {type: 'string'},
  },
});
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

if (process.getuid?.() !== 0) {
  process.stderr.write('machines: needs root (tap devices, a root file system): sudo npm run machines\n');
  process.exit(2);
}
// Before the package and the image are built for nothing.
if (values.only !== 'image' && spawnSync('qemu-system-x86_64', ['--version'], {stdio: 'ignore'}).error) {
  process.stderr.write('machines: qemu-system-x86_64 is not installed: apt-get install qemu-system-x86\n');
  process.exit(2);
}
const work = mkdtempSync('/var/tmp/hactl-machines-');
const machines: Machine[] = [];
let lan: Lan | undefined;

async function clean(): Promise<void> {
  for (const machine of machines) await machine.powerOff(); // oxlint-disable-line no-await-in-loop -- two of them.
  lan?.destroy();
  rmSync(work, {recursive: true, force: true});
}
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => void clean().then(() => process.exit(130)));

/** Seconds since the last call. */
function stopwatch(): () => string {
  let began = performance.now();
  return () => {
    const seconds = ((performance.now() - began) / 1_000).toFixed(1);
    began = performance.now();
    return seconds;
  };
}

try {
  const stopwatchOf = stopwatch();
  const deb = values.deb ?? buildPackage();
  if (values.deb === undefined) say(`package built in ${stopwatchOf()} s`);
  const folder = values.image ?? work;
  const image = findImage(folder) ?? makeImage(folder);
  say(`Debian 12 image built in ${stopwatchOf()} s`);
  const later = laterPackage(deb);
  const count = values.only === 'image' ? 0 : values.only === 'one' ? 1 : 2;
  const network = makeLan(count);
  lan = network;
  for (const [at, tap] of network.taps.entries())
    machines.push(
      makeMachine({
        name: `director${at + 1}`,
        work,
        image,
        packages: [deb, later],
        tap,
        inside: network.inside,
        mac: `52:54:00:77:00:0${at + 1}`,
        address: `10.77.0.${at + 1}`,
      }),
    );
  for (const host of ['web1', 'web2'] as const) network.start(host, 'web.ts', host);
  const client = (): ReturnType<typeof watch> => watch(network.start('client', 'client.ts', VIP));
  const [one, two] = machines;
  const inRoot = (file: string): string => `/root/${path.basename(file)}`;
  const plan = {deb: inRoot(deb), later: inRoot(later), say, client};
  const failures = !one ? [] : two ? await runPair(one, two, plan) : await runSingle(one, plan);
  for (const failure of failures) say(`FAILED: ${failure}`);
  say(failures.length === 0 ? 'machines passed' : `machines failed: ${failures.length}`);
  process.exitCode = failures.length === 0 ? 0 : 1;
} catch (error) {
  process.stderr.write(`machines: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await clean();
  process.exit();
}

/** The same programs packaged as a newer version for dpkg: 0.2.0 becomes 0.2.0+next. */
function laterPackage(deb: string): string {
  const folder = path.join(work, 'later');
  execFileSync('dpkg-deb', ['-R', deb, folder]);
  const control = path.join(folder, 'DEBIAN/control');
  writeFileSync(control, readFileSync(control, 'utf8').replace(/^Version: (.*)$/m, 'Version: $1+next'));
  const later = path.join(work, 'hactl_later.deb');
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zgzip', '-z1', '--build', folder, later], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  rmSync(folder, {recursive: true});
  return later;
}

function buildPackage(): string {
  const out = path.join(work, 'dist');
  execFileSync(
    process.execPath,
    [path.join(root, 'src/packaging/main.ts'), '--arch', 'amd64', '--fast', '--out', out],
    {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const name = readdirSync(out).find((text) => text.endsWith('.deb'));
  if (name === undefined) throw new Error('npm run package built no .deb');
  return path.join(out, name);
}
