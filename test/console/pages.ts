/** Every page and every form of the console, with the mouse, on a pair in namespaces. */
import type {Page} from 'playwright-core';
import {until} from '../lab/until.ts';

export const PASSWORD = 'correct horse battery';
const LIMIT_MS = 120_000;

export type Look = (page: Page, name: string) => Promise<void>;

async function go(page: Page, tab: string): Promise<void> {
  await page.getByRole('link', {name: tab, exact: true}).click();
  await page.locator(`nav a[aria-current=page][href="#/${tab.toLowerCase()}"]`).waitFor();
  await page.locator('main h2').first().waitFor();
}
const button = (page: Page, name: string) => page.getByRole('button', {name, exact: true});
const closed = (page: Page): Promise<void> => page.locator('dialog').waitFor({state: 'detached'});

export async function signIn(page: Page): Promise<void> {
  await page.getByLabel('User').fill('alice');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', {name: 'Services'}).waitFor();
}

/** Waits for the plan; applies it if `apply`, otherwise closes it. */
async function review(page: Page, name: string, look: Look, apply: boolean): Promise<void> {
  await button(page, 'Apply to both directors').waitFor();
  await until('the plan is checked', LIMIT_MS, () => button(page, 'Apply to both directors').isEnabled());
  await look(page, `${name}-plan`);
  if (apply) {
    await button(page, 'Apply to both directors').click();
    await button(page, 'Keep it now').waitFor({timeout: LIMIT_MS});
    await look(page, `${name}-applied`);
    await button(page, 'Keep it now').click();
    await page.getByText('Kept: ').waitFor();
  }
  await button(page, 'Close').last().click();
}

async function monitor(page: Page, look: Look): Promise<void> {
  await look(page, '02-monitor');
  await page.getByLabel('Search services and real servers').fill('no such name');
  await page.getByText('No services configured, or none matches.').waitFor();
  await page.getByLabel('Search services and real servers').fill('');
  await page.locator('details.plot summary').first().click();
  await button(page, 'hour').click();
  await page.locator('.uplot canvas').first().waitFor();
  await look(page, '03-plot');
  await button(page, 'Override 10.99.0.11:80').click();
  await page.getByLabel('Reason').fill('walk');
  await look(page, '04-override');
  await button(page, 'Drain').click();
  await closed(page);
  await button(page, 'Override 10.99.0.11:80').click();
  await button(page, 'Undrain').click();
  await closed(page);
  // Dark, light, and the system's theme again.
  for (const theme of ['dark', 'light', 'auto']) {
    // oxlint-disable-next-line no-await-in-loop -- one button.
    await page.getByRole('button', {name: /^Theme: / }).click(); // prettier-ignore
    // oxlint-disable-next-line no-await-in-loop -- see above.
    await page.locator(`html[data-theme=${theme}]`).waitFor();
  }
}

async function services(page: Page, look: Look): Promise<void> {
  await go(page, 'Services');
  await look(page, '05-services');
  await button(page, 'Add a virtual server').click();
  await page.getByLabel('Virtual address and port').fill('10.99.0.101:80');
  await page.getByLabel('Server address and port').fill('10.99.0.11:80');
  await button(page, 'Add server').click();
  await page.getByLabel('Scheduler').selectOption('wlc');
  await page.getByLabel('Check type').selectOption('connect');
  await look(page, '06-add');
  await button(page, 'Review').click();
  await review(page, '06-add', look, true);
  await button(page, 'Edit 10.99.0.101:80').click();
  await page.getByLabel('Server address and port').fill('10.99.0.12:80');
  await button(page, 'Add server').click();
  await button(page, 'Remove 10.99.0.11:80 gate').click();
  await page.getByLabel('Persistence', {exact: true}).fill('60');
  await look(page, '07-edit');
  await button(page, 'Review').click();
  await review(page, '07-edit', look, false);
  // The form reopens as it was left.
  await page.getByText('10.99.0.12:80 gate').waitFor();
  await button(page, 'Close').last().click();
  await button(page, 'Deactivate 10.99.0.101:80').click();
  await review(page, '08-deactivate', look, false);
  await button(page, 'Delete 10.99.0.101:80').click();
  await review(page, '09-delete', look, false);
}

async function pair(page: Page, look: Look): Promise<void> {
  await go(page, 'Pair');
  const interval = page.getByLabel('Heartbeat interval');
  await until('the form is filled', LIMIT_MS, async () => (await interval.inputValue()) !== '');
  await look(page, '10-pair');
  await page.getByLabel('Warn after').fill('3');
  await page.getByLabel('Ping nodes').fill('10.99.0.10');
  await button(page, 'Review').click();
  await review(page, '11-pair', look, false);
}

async function past(page: Page, look: Look): Promise<void> {
  await go(page, 'Timeline');
  await page.getByLabel('Kind').selectOption('config');
  await page.getByLabel('Search', {exact: true}).fill('no such event');
  await page.getByText('No event matches.').waitFor();
  await page.getByLabel('Search', {exact: true}).fill('');
  await page
    .getByRole('cell', {name: /config/})
    .first()
    .waitFor();
  await look(page, '12-timeline');
  await go(page, 'Versions');
  await button(page, 'Changes of version 2').click();
  await page.getByText('virtual=10.99.0.101:80').waitFor();
  await look(page, '13-difference');
  await button(page, 'Close').click();
  await button(page, 'Restore version 1').click();
  await page.getByRole('rowheader', {name: /^3 .*in use/}).waitFor({timeout: LIMIT_MS});
  await look(page, '14-versions');
}

async function users(page: Page, look: Look): Promise<void> {
  await go(page, 'Users');
  await page.getByLabel('User name').fill('bob');
  await page.getByLabel('Role').selectOption('operator');
  await page.getByLabel('New password').fill('short');
  await button(page, 'Save user').click();
  await page.getByText('a password has 12').waitFor();
  await page.getByLabel('New password').fill(PASSWORD);
  await button(page, 'Save user').click();
  await button(page, 'Remove bob').waitFor();
  await look(page, '15-users');
  await button(page, 'Remove bob').click();
  await button(page, 'Remove bob').waitFor({state: 'detached'});
}

/** A planned move is refused while the peer is not ready, as on a kernel without IPVS; the page shows the reason. */
async function move(page: Page, look: Look, say: (text: string) => void): Promise<void> {
  await go(page, 'Monitor');
  await button(page, 'standby').click();
  const outcome = page.getByText(/^standby(?: refused)?: /);
  await outcome.waitFor({timeout: LIMIT_MS});
  say((await outcome.innerText()).trim());
  await look(page, '16-standby');
}

/** Walks from the page after the first login until the login form reappears. */
export async function everyPage(page: Page, look: Look, say: (text: string) => void): Promise<void> {
  for (const part of [monitor, services, pair, past, users])
    // oxlint-disable-next-line no-await-in-loop -- one browser.
    await part(page, look);
  await move(page, look, say);
  await button(page, 'Log out alice').click();
  await page.getByRole('heading', {name: 'Log in'}).waitFor();
  await look(page, '17-login');
  await signIn(page);
}
