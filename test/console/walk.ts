/**
 * `npm run console:walk [FOLDER]`: a pair in namespaces, its console, and a real browser that walks through every page: the
 * first user, each tab, a service edited and applied, a takeover seen live; axe-core on each page, both themes, 1280 and 375
 * pixels, screenshots into FOLDER. Root, and Debian's chromium (HACTL_CHROMIUM names another).
 */
import {appendFileSync, existsSync, mkdirSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';
import {chromium, type Page} from 'playwright-core';
import {buildPage} from '../../src/console/build.ts';
import {makeCluster} from '../drill/cluster.ts';
import {makeNamespaces} from '../lab/namespaces.ts';
import {until} from '../lab/until.ts';
import {serveConsole} from './serve.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const shots = path.resolve(process.argv[2] ?? path.join(checkout, 'dist/console-shots'));
const LIMIT_MS = 120_000;
const PORT = 3_636 + (process.pid % 1_000);
const PASSWORD = 'correct horse battery';
const executablePath = process.env.HACTL_CHROMIUM ?? '/usr/bin/chromium';
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const say = (text: string): boolean => process.stdout.write(`${text}\n`);
if (process.getuid?.() !== 0 || !existsSync(executablePath)) {
  say(`console:walk needs root and a browser (${executablePath}): apt-get install chromium`);
  process.exit(1);
}
mkdirSync(shots, {recursive: true});
await buildPage(path.join(checkout, 'dist/console'));

const site = makeNamespaces({checkout, letter: 'k', secondLink: true});
const cluster = makeCluster({site, keepalive: '500ms', deadtime: '5'});
const problems: string[] = [];

/** axe-core's findings of any level, the screenshot, both themes, both widths. */
async function look(page: Page, name: string): Promise<void> {
  for (const [width, height] of [
    [1_280, 900],
    [375, 800],
  ] as const)
    for (const theme of ['light', 'dark'] as const) {
      await page.setViewportSize({width, height});
      await page.emulateMedia({colorScheme: theme});
      await page.evaluate(axeSource);
      const found = await page.evaluate(async () => {
        const {axe} = globalThis as unknown as {
          axe: {run(): Promise<{violations: {id: string; impact: string; nodes: {target: string[]}[]}[]}>};
        };
        return (await axe.run()).violations.map(
          ({id, impact, nodes}) =>
            `${id} (${impact}): ${nodes.map(({target}) => target.join(' ')).join('; ')}`,
        );
      });
      for (const finding of found) problems.push(`${name} ${width} ${theme}: ${finding}`);
      const wide = await page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth + 1');
      if (wide) problems.push(`${name} ${width} ${theme}: the page is wider than the screen`);
      await page.screenshot({
        path: path.join(shots, `${name}-${width}-${theme}.png`),
        fullPage: width > 1_000,
      });
    }
  await page.setViewportSize({width: 1_280, height: 900});
  say(`${name}: looked at`);
}

const browser = await chromium.launch({executablePath, args: ['--no-sandbox']});
try {
  for (const name of ['director1', 'director2'] as const) {
    await cluster.writeConfig(name);
    // The seed's key is md5: with such a key a push must be allowed.
    appendFileSync(`${cluster.directory(name)}/ha.d/ha.cf`, 'hactl_push on\n');
    await cluster.start(name);
  }
  await cluster.active('director1', LIMIT_MS);
  const server = await serveConsole(cluster, 'director1', PORT);
  const link = server.ask('link');

  const context = await browser.newContext({ignoreHTTPSErrors: true});
  const page = await context.newPage();
  page.on('console', (message) => {
    // The session is asked for before there is one, and a browser reports certificates that it was told to accept.
    if (message.type() === 'error') problems.push(`browser: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`page: ${error.message}`));
  page.setDefaultTimeout(30_000);

  const began = performance.now();
  await page.goto(link.replace(/^https:\/\/[^/]+/, `https://localhost:${PORT}`));
  await page.getByLabel('User').waitFor();
  say(`first page usable after ${Math.round(performance.now() - began)} ms`);
  await look(page, '01-first-user');
  await page.getByLabel('User').fill('alice');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', {name: 'Services'}).waitFor();
  await look(page, '02-monitor');

  for (const [index, tab] of ['Services', 'Pair', 'Timeline', 'Versions', 'Users'].entries()) {
    await page.getByRole('link', {name: tab, exact: true}).click();
    await page.locator('main h2').first().waitFor();
    await look(page, `0${index + 3}-${tab.toLowerCase()}`);
  }

  // A virtual server by keyboard and mouse, as Piranha's user adds one.
  await page.getByRole('link', {name: 'Services', exact: true}).click();
  await page.getByRole('button', {name: 'Add a virtual server'}).first().click();
  await page.getByLabel('Virtual address and port').fill('10.99.0.101:80');
  await page.getByLabel('Server address and port').fill('10.99.0.11:80');
  await page.getByRole('button', {name: 'Add server'}).click();
  await page.getByLabel('Scheduler').selectOption('wlc');
  await page.getByLabel('Check type').selectOption('connect');
  await look(page, '08-add-service');
  await page.getByRole('button', {name: 'Review'}).click();
  await page.getByRole('button', {name: 'Apply to both directors'}).waitFor();
  await until('the plan is judged', LIMIT_MS, async () =>
    page.getByRole('button', {name: 'Apply to both directors'}).isEnabled(),
  );
  await look(page, '09-plan');
  await page.getByRole('button', {name: 'Apply to both directors'}).click();
  await page.getByRole('button', {name: 'Keep it now'}).waitFor({timeout: LIMIT_MS});
  await look(page, '10-applied');
  await page.getByRole('button', {name: 'Close', exact: true}).last().click();
  await page.getByRole('rowheader', {name: '10.99.0.101:80'}).waitFor();

  // A failover, seen without a reload.
  await page.getByRole('link', {name: 'Monitor', exact: true}).click();
  await page.getByRole('button', {name: 'standby'}).click();
  await page.getByText(/standby: /).waitFor({timeout: LIMIT_MS});
  await until('the page shows Backup', LIMIT_MS, async () => (await page.getByText('Backup').count()) > 0);
  await look(page, '11-after-standby');
  server.stop();
} finally {
  await browser.close();
  await cluster.stop();
  await site.destroy();
}
for (const problem of new Set(problems)) say(`! ${problem}`);
say(problems.length === 0 ? `console:walk passed; screenshots in ${shots}` : 'console:walk failed');
process.exit(problems.length === 0 ? 0 : 1);
