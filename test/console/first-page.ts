/** Time until the first page is usable: by the browser's clock, from the start of navigation to the form. */
import type {Browser} from 'playwright-core';
import {until} from '../lab/until.ts';

const LIMIT_MS = 30_000;

/** Milliseconds since the start of navigation. */
export interface FirstPage {
  /** Connected, TLS included. */
  readonly connected: number;
  /** The first octet of the page has arrived. */
  readonly answered: number;
  /** Script and styles are loaded. */
  readonly loaded: number;
  /** The session request is answered. */
  readonly session: number;
  /** The form is painted. */
  readonly usable: number;
  /** Octets on the wire: page, script, styles, session request. */
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

/** A fresh browser: no cache, no connection. */
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
