/**
 * `npm run console:walk [FOLDER]`: a pair in namespaces, a console for each director, and a real browser. Uses every page and
 * form with the mouse on director1 and with the keyboard on director2; then director1 loses power, and both pages must show it
 * without a reload. axe-core on each page, both themes, 1280 and 375 pixels wide, screenshots into FOLDER. Needs root and
 * Debian's chromium (HACTL_CHROMIUM selects another).
 */
import {appendFileSync, existsSync, mkdirSync} from 'node:fs';
import {availableParallelism, loadavg} from 'node:os';
import path from 'node:path';
import {chromium, type Browser, type Page} from 'playwright-core';
import {buildPage} from '../../src/console/build.ts';
import {makeCluster} from '../drill/cluster.ts';
import {makeNamespaces} from '../lab/namespaces.ts';
import {until} from '../lab/until.ts';
import {firstPage, firstPageText} from './first-page.ts';
import {focused, press, tabTo, type} from './keyboard.ts';
import {look as lookAt, makeFindings} from './look.ts';
import {everyPage, PASSWORD, signIn} from './pages.ts';
import {serveConsole, type RunningConsole} from './serve.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const shots = path.resolve(process.argv[2] ?? path.join(checkout, 'dist/console-shots'));
const LIMIT_MS = 120_000;
/** Limit on an otherwise idle machine. */
const FIRST_PAGE_MS = 1_000;
/** Load per CPU above which the figure is meaningless. */
const LOAD_MOST = 2;
const PORT = 3_636 + (process.pid % 1_000);
const executablePath = process.env.HACTL_CHROMIUM ?? '/usr/bin/chromium';

const say = (text: string): void => void process.stdout.write(`${text}\n`);
if (process.getuid?.() !== 0 || !existsSync(executablePath)) {
  say(`console:walk needs root and a browser (${executablePath}): apt-get install chromium`);
  process.exit(1);
}
mkdirSync(shots, {recursive: true});
await buildPage(path.join(checkout, 'dist/console'));

const site = makeNamespaces({checkout, letter: 'k', secondLink: true});
const cluster = makeCluster({site, keepalive: '500ms', deadtime: '5'});
const findings = makeFindings(say);
const look = async (page: Page, name: string): Promise<void> => {
  await lookAt(page, name, shots, findings);
  say(`${name}: looked at`);
};

const linkOf = (server: RunningConsole): string =>
  server.ask('link').replace(/^https:\/\/[^/]+/, `https://localhost:${server.port}`);

async function openPage(browser: Browser): Promise<Page> {
  const context = await browser.newContext({ignoreHTTPSErrors: true});
  const page = await context.newPage();
  page.on('console', (message) => {
    // Expected: the walk tries a password that is too short.
    const isRefusal = /\b400\b/.test(message.text());
    if (message.type() === 'error' && !isRefusal) findings.add(`browser: ${message.text()}`);
  });
  page.on('pageerror', (error) => findings.add(`page: ${error.message}`));
  page.setDefaultTimeout(30_000);
  return page;
}

/** Keyboard only: the first user, every tab, the skip link, a service through the form, Escape out of each dialog. */
async function withoutMouse(page: Page): Promise<void> {
  await type(page, 'User', 'alice', findings);
  await type(page, 'Password', PASSWORD, findings);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', {name: 'Services'}).waitFor();
  for (const tab of ['Pair', 'Timeline', 'Versions', 'Users', 'Services']) {
    // oxlint-disable-next-line no-await-in-loop -- one page after another.
    await press(page, tab, findings);
    // oxlint-disable-next-line no-await-in-loop -- see above.
    await page.locator(`nav a[aria-current=page][href="#/${tab.toLowerCase()}"]`).waitFor();
  }
  await press(page, 'Skip to content', findings);
  await page.getByRole('heading', {name: 'Virtual servers'}).waitFor();
  const add = 'Add a virtual server';
  await press(page, add, findings);
  await type(page, 'Virtual address and port', '10.99.0.102:80', findings);
  await type(page, 'Server address and port', '10.99.0.12:80', findings);
  await press(page, 'Add server', findings);
  await type(page, 'Scheduler', 'wlc', findings);
  await press(page, 'Review', findings);
  const apply = page.getByRole('button', {name: 'Apply to both directors'});
  await until('the plan is checked', LIMIT_MS, () => apply.isEnabled());
  await tabTo(page, 'Apply to both directors', findings);
  await look(page, '20-keyboard-plan');
  for (const title of ['What this would change', add]) {
    // oxlint-disable-next-line no-await-in-loop -- one dialog after another.
    await page.getByRole('heading', {name: title}).waitFor();
    // oxlint-disable-next-line no-await-in-loop -- see above.
    await page.keyboard.press('Escape');
  }
  await page.locator('dialog').waitFor({state: 'detached'});
  const {name} = await focused(page);
  if (name !== add) findings.add(`keyboard: after the dialog "${name.slice(0, 40)}" has the focus`);
  await press(page, 'Monitor', findings);
}

/** The role of the pair's group as shown on this page. */
const roleOn = (page: Page, role: string): Promise<void> =>
  page.getByRole('row').filter({hasText: site.vip}).getByText(role).waitFor({timeout: LIMIT_MS});

/** Power loss of the Active director: both pages must update without a reload. */
async function failover(first: Page, second: Page): Promise<void> {
  for (const page of [first, second])
    // oxlint-disable-next-line no-await-in-loop -- two pages.
    await page.evaluate('globalThis.notLoadedAgain = true');
  await roleOn(first, 'Active');
  await roleOn(second, 'Backup');
  const at = await cluster.powerOff('director1');
  await first.getByText('The daemon is unreachable').waitFor();
  await roleOn(second, 'Active');
  say(`director2's page shows Active ${Date.now() - at} ms after the power loss of director1 (deadtime 5 s)`);
  await look(second, '21-failover');
  await look(first, '22-no-daemon');
  await cluster.powerOn('director1');
  await second.getByText('Peer director1').getByText('up').waitFor({timeout: LIMIT_MS});
  await roleOn(first, 'Backup');
  await look(first, '23-returned');
  for (const page of [first, second])
    // oxlint-disable-next-line no-await-in-loop -- two pages.
    if (!(await page.evaluate('globalThis.notLoadedAgain'))) findings.add('a page was reloaded');
}

const servers: RunningConsole[] = [];
const browser = await chromium.launch({executablePath, args: ['--no-sandbox']});
try {
  for (const name of ['director1', 'director2'] as const) {
    await cluster.writeConfig(name);
    // The seed's key is md5, so pushes must be allowed explicitly.
    appendFileSync(`${cluster.directory(name)}/ha.d/ha.cf`, 'hactl_push on\n');
    await cluster.start(name);
  }
  await cluster.active('director1', LIMIT_MS);
  await until('director2 is Backup', LIMIT_MS, async () =>
    (await cluster.status('director2'))?.engine?.groups.every(({role}) => role === 'Backup'),
  );
  const server1 = await serveConsole(cluster, 'director1', PORT);
  const server2 = await serveConsole(cluster, 'director2', PORT + 1_000);
  servers.push(server1, server2);
  const link = linkOf(server1);
  const visits = [];
  // oxlint-disable-next-line no-await-in-loop -- one visit after another.
  for (let visit = 0; visit < 3; visit += 1) visits.push(await firstPage(browser, link));
  for (const visit of visits) say(firstPageText(visit));
  const best = Math.min(...visits.map(({usable}) => usable));
  const [load = 0] = loadavg();
  say(
    `first page: ${Math.round(best)} ms at best, on ${availableParallelism()} processors at a load of ${load.toFixed(1)}`,
  );
  // The walk itself causes load: the pair, two consoles and the browser.
  if (best > FIRST_PAGE_MS && load < LOAD_MOST * availableParallelism())
    findings.add(`the first page is usable after ${Math.round(best)} ms at best`);

  const first = await openPage(browser);
  await first.goto(link);
  await first.getByLabel('User').waitFor();
  await look(first, '01-first-user');
  await signIn(first);
  await everyPage(first, look, say);
  const second = await openPage(browser);
  await second.goto(linkOf(server2));
  await withoutMouse(second);
  await failover(first, second);
} catch (error) {
  findings.add(error instanceof Error ? (error.stack ?? error.message) : String(error));
  for (const [index, page] of browser
    .contexts()
    .flatMap((context) => context.pages())
    .entries())
    // oxlint-disable-next-line no-await-in-loop -- two pages.
    await page.screenshot({path: path.join(shots, `failed-${index}.png`), fullPage: true});
} finally {
  await browser.close();
  await Promise.all(servers.map((server) => server.stop()));
  await cluster.stop();
  await site.destroy();
}
say(findings.count() === 0 ? `console:walk passed; screenshots in ${shots}` : 'console:walk failed');
process.exit(findings.count() === 0 ? 0 : 1);
