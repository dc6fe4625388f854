/**
 * `npm run drill:picture -- REPORT.html FILE.png`: renders a report of `npm run drill` or `hactl drill` as a PNG with Debian's
 * chromium (HACTL_CHROMIUM selects another browser).
 */
import {existsSync} from 'node:fs';
import path from 'node:path';
import {pathToFileURL} from 'node:url';
import {chromium} from 'playwright-core';

const [page, picture] = process.argv.slice(2);
const executablePath = process.env.HACTL_CHROMIUM ?? '/usr/bin/chromium';
if (page === undefined || picture === undefined || !existsSync(page)) {
  process.stderr.write('npm run drill:picture -- REPORT.html FILE.png\n');
  process.exit(2);
}
if (!existsSync(executablePath)) {
  process.stderr.write(`no browser (${executablePath}): apt-get install chromium\n`);
  process.exit(1);
}
const browser = await chromium.launch({executablePath, args: ['--no-sandbox']});
try {
  const tab = await browser.newPage({viewport: {width: 1_240, height: 900}});
  await tab.goto(pathToFileURL(path.resolve(page)).href);
  await tab.screenshot({path: picture, fullPage: true});
} finally {
  await browser.close();
}
