/** How soon the first page can be used: by the browser's own clock, from the start of the navigation to the form. */
import type {Browser} from 'playwright-core';
import {until} from '../lab/until.ts';

const LIMIT_MS = 30_000;

/** Milliseconds since the start of the navigation. */
export interface FirstPage {
  /** Connected, TLS included. */
  readonly connected: number;
  /** The first octet of the page is there. */
  readonly answered: number;
  /** Script and styles are there. */
  readonly loaded: number;
  /** The answer about the session is there. */
  readonly session: number;
  /** The form is in the page and painted. */
  readonly usable: number;
  /** Octets on the wire: page, script, styles, the question for the session. */
  readonly octets: number;
}

const WATCH = `
  new MutationObserver(() => {
    if (globalThis.usableAt === undefined && document.querySelector('form input'))
      requestAnimationFrame(() => setTimeout(() => { globalThis.usableAt ??= performance.now(); }));
  }).observe(document, {childList: true, subtree: true});
`;

const READ = `(() => {
  const [page] = performance.getEntriesByType('navigation');
  const parts = performance.getEntriesByType('resource');
  return {
    connected: page.connectEnd,
    answered: page.responseStart,
    loaded: Math.max(...parts.filter(({name}) => /\\.(js|css)(\\?|$)/.test(name)).map(({responseEnd}) => responseEnd)),
    session: parts.find(({name}) => name.endsWith('/api/session'))?.responseEnd ?? 0,
    usable: globalThis.usableAt,
    octets: [page, ...parts].reduce((sum, {transferSize}) => sum + transferSize, 0),
  };
})()`;

/** A browser that was never here: no cache, no connection. */
export async function firstPage(browser: Browser, url: string): Promise<FirstPage> {
  const context = await browser.newContext({ignoreHTTPSErrors: true});
  try {
    const page = await context.newPage();
    await page.addInitScript(WATCH);
    await page.goto(url);
    await until('the form is painted', LIMIT_MS, () => page.evaluate<boolean>('globalThis.usableAt > 0'));
    return await page.evaluate<FirstPage>(READ);
  } finally {
    await context.close();
  }
}

export const firstPageText = ({connected, answered, loaded, session, usable, octets}: FirstPage): string =>
  `first page usable after ${Math.round(usable)} ms: connected ${Math.round(connected)}, ` +
  `answered ${Math.round(answered)}, script and styles ${Math.round(loaded)}, session ${Math.round(session)}; ${octets} octets`;
