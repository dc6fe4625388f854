/**
 * `npm run console:tutorials [-- web|mysql] [--shots FOLDER]`: performs the two Piranha tutorials in a browser, on a pair without
 * services in the micro-VM: every step of the article, until the kernel's IPVS balances a client's requests. Takes a screenshot of
 * each step. Uses Debian's chromium (HACTL_CHROMIUM selects another).
 */
import {spawnSync} from 'node:child_process';
import {existsSync, mkdirSync} from 'node:fs';
import path from 'node:path';
import {readOptions} from '../options.ts';
import {chromium, type Page} from 'playwright-core';
import {prepareLab} from '../lab/packages.ts';
import {prepareServers} from '../lab/server-packages.ts';
import {until} from '../lab/until.ts';
import {runInVm} from '../lab/vm.ts';
import {warm} from '../lab/warm.ts';
import type {FarmLine, FarmName} from './farm.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const {values, positionals} = readOptions({
  allowPositionals: true,
  options: {shots: {type: 'string', default: path.join(checkout, 'dist/console-tutorials')}},
});
const executablePath = process.env.HACTL_CHROMIUM ?? '/usr/bin/chromium';
const say = (text: string): boolean => process.stdout.write(`${text}\n`);
if (!existsSync(executablePath)) {
  say(`console:tutorials needs a browser (${executablePath}): apt-get install chromium`);
  process.exit(1);
}
mkdirSync(values.shots, {recursive: true});

/** Timeout of a step, milliseconds; the machine is emulated. */
const STEP_LIMIT = 180_000;
const MACHINE_LIMIT = 20 * 60_000;
const GUEST_PORT = 3636;
const HOST_PORT = 20_000 + (process.pid % 10_000);
const PASSWORD = 'correct horse battery';

interface Tutorial {
  readonly virtual: string;
  readonly device: string;
  readonly scheduler: string;
  readonly servers: readonly string[];
  /** Piranha's Monitoring Scripts tab, filled in once the service exists. */
  readonly monitoring?: Readonly<Record<string, string>>;
  /** Servers that must answer the client. */
  readonly answers: readonly string[];
}

const tutorials: Readonly<Record<FarmName, Tutorial>> = {
  web: {
    virtual: '192.168.122.10:80',
    device: '24/eth0',
    scheduler: 'wlc',
    servers: ['192.168.122.1:80', '192.168.122.2:80', '192.168.122.3:80'],
    answers: ['node1', 'node2', 'node3'],
  },
  mysql: {
    virtual: '192.168.2.240:3306',
    device: '24/eth0',
    scheduler: 'lc',
    servers: ['192.168.2.241:3306', '192.168.2.242:3306'],
    monitoring: {'Sending program': '/root/mysql_mon.sh %h', Expect: 'UP'},
    answers: ['mysql1', 'mysql2'],
  },
};

/** The farm's output: its link, and the latest round of requests. */
interface Farm {
  link?: string;
  round?: Extract<FarmLine, {answers: unknown}>;
  rounds: number;
}

/** Completes a review: checked, applied to both directors, kept. */
async function applyReview(page: Page, shot: (step: string) => Promise<void>, step: string): Promise<void> {
  const apply = page.getByRole('button', {name: 'Apply to both directors'});
  await apply.waitFor();
  await until('the plan is checked', STEP_LIMIT, () => apply.isEnabled());
  await shot(`${step}-plan`);
  await apply.click();
  await page.getByRole('button', {name: 'Keep it now'}).click();
  await page.getByText('Kept').waitFor();
  await shot(`${step}-applied`);
  await page.getByRole('button', {name: 'Close', exact: true}).last().click();
}

async function walk(name: FarmName, farm: Farm, page: Page): Promise<void> {
  const tutorial = tutorials[name];
  let count = 0;
  const shot = async (step: string): Promise<void> => {
    count += 1;
    const file = `${name}-${String(count).padStart(2, '0')}-${step}.png`;
    await page.screenshot({path: path.join(values.shots, file), fullPage: true});
    say(`  ${file}`);
  };
  const link = await until('the console listens', STEP_LIMIT * 2, () => farm.link);
  await page.goto(link.replace(/^https:\/\/[^/]+/, `https://localhost:${HOST_PORT}`));
  await page.getByLabel('User').fill('alice');
  await page.getByLabel('Password').fill(PASSWORD);
  await shot('piranha-passwd');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', {name: 'Services'}).waitFor();

  // Global settings and Redundancy: nothing to change, direct routing is a property of each real server.
  await page.getByRole('link', {name: 'Pair', exact: true}).click();
  await until(
    'the files are shown',
    STEP_LIMIT,
    async () => (await page.getByLabel('Heartbeat interval').inputValue()) !== '',
  );
  await shot('global-settings-and-redundancy');

  await page.getByRole('link', {name: 'Services', exact: true}).click();
  await page.getByRole('button', {name: 'Add a virtual server'}).click();
  await page.getByLabel('Virtual address and port').fill(tutorial.virtual);
  await page.getByLabel('Mask and device').fill(tutorial.device);
  await page.getByLabel('Scheduler').selectOption(tutorial.scheduler);
  await page.getByLabel('Protocol').selectOption('tcp');
  if (name === 'web') await page.getByLabel('Monitored service').selectOption('http');
  await shot('virtual-server');
  for (const server of tutorial.servers) {
    // oxlint-disable-next-line no-await-in-loop -- a single form.
    await page.getByLabel('Server address and port').fill(server);
    // oxlint-disable-next-line no-await-in-loop -- the same.
    await page.getByRole('button', {name: 'Add server'}).click();
  }
  await shot('real-servers');
  await page.getByRole('button', {name: 'Review'}).click();
  await applyReview(page, shot, 'accept');
  await page.getByRole('rowheader', {name: tutorial.virtual}).waitFor();
  await shot('virtual-servers');

  if (tutorial.monitoring) {
    await page.getByRole('button', {name: `Edit ${tutorial.virtual}`}).click();
    for (const [label, value] of Object.entries(tutorial.monitoring))
      // oxlint-disable-next-line no-await-in-loop -- one form.
      await page.getByLabel(label, {exact: true}).fill(value);
    await page.getByLabel('Expect is a regular expression').selectOption('yes');
    await shot('monitoring-scripts');
    await page.getByRole('button', {name: 'Review'}).click();
    await applyReview(page, shot, 'monitoring');
    await page.getByRole('rowheader', {name: tutorial.virtual}).waitFor();
  }

  // (DE)ACTIVATE, both ways.
  for (const word of ['Deactivate', 'Activate']) {
    const button = page.getByRole('button', {name: `${word} ${tutorial.virtual}`, exact: true});
    // oxlint-disable-next-line no-await-in-loop -- one after the other.
    await button.click();
    // oxlint-disable-next-line no-await-in-loop -- one after the other.
    await applyReview(page, shot, word.toLowerCase());
    // oxlint-disable-next-line no-await-in-loop -- the opposite button takes its place.
    await button.waitFor({state: 'detached'});
  }

  const before = farm.rounds;
  await page.getByRole('link', {name: 'Monitor', exact: true}).click();
  await page.getByRole('heading', {name: tutorial.virtual}).waitFor();
  const round = await until('every real server answers the client', STEP_LIMIT, () => {
    const {answers = {}} = farm.round ?? {};
    return farm.rounds > before && tutorial.answers.every((server) => (answers[server] ?? 0) > 0)
      ? farm.round
      : undefined;
  });
  await until(
    'every check passed',
    STEP_LIMIT,
    async () => (await page.locator('.tag.good', {hasText: /^\S up$/}).count()) >= tutorial.servers.length,
  );
  await shot('it-balances');
  say(`  answers at ${tutorial.virtual}: ${JSON.stringify(round.answers)}`);
  for (const line of round.table.trimEnd().split('\n')) say(`  ${line}`);
}

async function play(name: FarmName): Promise<void> {
  say(`${name}:`);
  const lab = prepareLab(say);
  const {tree} = prepareServers(say);
  const compiled = await warm([]);
  const farmFile = path.join(import.meta.dirname, 'farm.ts');
  for (const program of [farmFile, path.join(compiled.HACTL_LAB_PROGRAMS ?? '', 'hactl-console.mjs')])
    spawnSync(process.execPath, [program, '--help'], {
      env: {...process.env, ...compiled},
      stdio: 'ignore',
      timeout: 20_000,
    });
  const farm: Farm = {rounds: 0};
  const ending = new AbortController();
  let ended: Error | undefined;
  const machine = runInVm({
    lab,
    over: tree,
    cwd: checkout,
    argv: [process.execPath, farmFile, name, String(GUEST_PORT)],
    env: {...compiled, FORCE_COLOR: '0', HACTL_IN_VM: '1'},
    limit: MACHINE_LIMIT,
    forward: {host: HOST_PORT, guest: GUEST_PORT},
    signal: ending.signal,
    out: (line) => {
      if (!line.startsWith('FARM ')) return void say(`  guest: ${line}`);
      const found = JSON.parse(line.slice(5)) as FarmLine;
      if ('link' in found) farm.link = found.link;
      else {
        farm.round = found;
        farm.rounds += 1;
      }
    },
  }).then(
    (status) => {
      ended = new Error(`the machine ended with status ${status}`);
    },
    (error: unknown) => {
      ended = error as Error;
    },
  );
  const browser = await chromium.launch({executablePath, args: ['--no-sandbox']});
  try {
    const page = await (await browser.newContext({ignoreHTTPSErrors: true})).newPage();
    page.setDefaultTimeout(STEP_LIMIT);
    await Promise.race([
      walk(name, farm, page),
      machine.then(() => {
        throw ended ?? new Error('the machine ended');
      }),
    ]).catch(async (error: unknown) => {
      await page.screenshot({path: path.join(values.shots, `${name}-failed.png`), fullPage: true});
      throw error;
    });
  } finally {
    await browser.close();
    ending.abort();
    await machine;
  }
}

const names = positionals.length > 0 ? positionals : Object.keys(tutorials);
for (const name of names) {
  if (!(name in tutorials)) throw new Error(`unknown tutorial ${name}: expected web or mysql`);
  // oxlint-disable-next-line no-await-in-loop -- one machine after the other.
  await play(name as FarmName);
}
say(`console:tutorials passed; screenshots in ${values.shots}`);
