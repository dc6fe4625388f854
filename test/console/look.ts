/** Checks of every page of the console: axe-core's findings, width, screenshot; in both themes and both widths. */
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';
import type {Page} from 'playwright-core';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SIZES = [
  {width: 1_280, height: 900},
  {width: 375, height: 800},
] as const;
export const [DESKTOP] = SIZES;

interface Axe {
  run(): Promise<{violations: {id: string; impact: string; nodes: {target: string[]}[]}[]}>;
}

export interface Findings {
  /** Prints a finding now, and fails the walk at its end. */
  readonly add: (finding: string) => void;
  readonly count: () => number;
}

export function makeFindings(say: (text: string) => void): Findings {
  const found = new Set<string>();
  return {
    add: (finding) => {
      if (!found.has(finding)) say(`! ${finding}`);
      found.add(finding);
    },
    count: () => found.size,
  };
}

/** axe-core's findings of every level. */
async function judge(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  return page.evaluate(async () => {
    const {axe} = globalThis as unknown as {axe: Axe};
    const {violations} = await axe.run();
    return violations.map(
      ({id, impact, nodes}) => `${id} (${impact}): ${nodes.map(({target}) => target.join(' ')).join('; ')}`,
    );
  });
}

/** Checks the current page; the screenshots are `NAME-WIDTH-THEME.png`. */
export async function look(page: Page, name: string, shots: string, findings: Findings): Promise<void> {
  for (const size of SIZES)
    for (const colorScheme of ['light', 'dark'] as const) {
      const view = `${name} ${size.width} ${colorScheme}`;
      // oxlint-disable-next-line no-await-in-loop -- one view after another.
      await page.setViewportSize(size);
      // oxlint-disable-next-line no-await-in-loop -- see above.
      await page.emulateMedia({colorScheme});
      // oxlint-disable-next-line no-await-in-loop -- see above.
      for (const finding of await judge(page)) findings.add(`${view}: ${finding}`);
      // oxlint-disable-next-line no-await-in-loop -- see above.
      if (await page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth + 1'))
        findings.add(`${view}: the page is wider than the screen`);
      const file = path.join(shots, `${name}-${size.width}-${colorScheme}.png`);
      // oxlint-disable-next-line no-await-in-loop -- see above.
      await page.screenshot({path: file, fullPage: size.width === DESKTOP.width});
    }
  await page.setViewportSize(DESKTOP);
}
