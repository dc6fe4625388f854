/** A keyboard user: everything is reachable with Tab, and the focus is always visible. */
import type {Page} from 'playwright-core';
import type {Findings} from './look.ts';

/** More tab stops than any page has. */
const STOPS_MOST = 150;

interface Stop {
  readonly name: string;
  readonly outlined: boolean;
  /** Inside the open dialog, or no dialog is open. */
  readonly inside: boolean;
}

const FOCUS = `(() => {
  const element = document.activeElement;
  const {outlineStyle, outlineWidth} = getComputedStyle(element);
  const dialog = document.querySelector('dialog[open]');
  return {
    name: (element.getAttribute('aria-label') ?? element.labels?.[0]?.textContent ?? element.textContent ?? '').trim(),
    outlined: outlineStyle !== 'none' && parseFloat(outlineWidth) > 0,
    inside: element === document.body || !dialog || dialog.contains(element),
  };
})()`;

export const focused = (page: Page): Promise<Stop> => page.evaluate<Stop>(FOCUS);

/** Presses Tab until the element with this name has the focus. */
export async function tabTo(page: Page, name: string, findings: Findings): Promise<void> {
  for (let stop = 0; stop < STOPS_MOST; stop += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one key after another.
    await page.keyboard.press('Tab');
    // oxlint-disable-next-line no-await-in-loop -- see above.
    const here = await focused(page);
    if (!here.inside) findings.add(`keyboard: "${here.name}" behind the open dialog has the focus`);
    if (here.name !== name) continue;
    if (!here.outlined) findings.add(`keyboard: "${name}" has the focus but no visible outline`);
    return;
  }
  throw new Error(`keyboard: "${name}" did not get the focus in ${STOPS_MOST} Tabs`);
}

export async function press(page: Page, name: string, findings: Findings): Promise<void> {
  await tabTo(page, name, findings);
  await page.keyboard.press('Enter');
}

/** Types into a field, or selects an option of a list by typing it. */
export async function type(page: Page, name: string, text: string, findings: Findings): Promise<void> {
  await tabTo(page, name, findings);
  await page.keyboard.type(text);
}
