/**
 * `npm run test:attacks [WORD…]`: retries the 24 findings of findings.ts with their tests, then runs the long attacks on real
 * processes; the short forms are in `npm test`. The final table compares what an attacker achieved before and now. A word is the
 * number of a finding or part of a file name. Files run sequentially, as the cost of an attack is measured.
 */
import {spawn} from 'node:child_process';
import {readdirSync} from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import {findings, type Finding} from './findings.ts';

const root = path.resolve(import.meta.dirname, '../..');
const words = process.argv.slice(2);
const isRoot = process.getuid?.() === 0;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const long = readdirSync(import.meta.dirname, {recursive: true, encoding: 'utf8'})
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => `test/attacks/${name}`);
const all = [...new Set([...findings.flatMap(({tests}) => tests.map(([file]) => file)), ...long])].toSorted();
const filesOf = (word: string): readonly string[] => {
  const finding = findings.find(({number}) => String(number) === word);
  return finding ? finding.tests.map(([file]) => file) : all.filter((file) => file.includes(word));
};
const chosen =
  words.length === 0 ? all : all.filter((file) => words.some((word) => filesOf(word).includes(file)));
const skipped = isRoot ? [] : chosen.filter((file) => file.endsWith('.netns.test.ts'));
for (const file of skipped) say(`not run: ${file} needs root (network namespaces)`);
if (chosen.length === skipped.length) {
  process.stderr.write(
    `no attack to run; there are: ${all.join(', ')}, and findings 1 to ${findings.length}\n`,
  );
  process.exit(2);
}

interface Result {
  readonly title: string;
  readonly passed: boolean;
}

/** Runs one file; returns its results, plus a failure if AVA itself failed. */
async function run(file: string): Promise<readonly Result[]> {
  const ava = path.join(root, 'node_modules/ava/entrypoints/cli.js');
  const child = spawn(
    process.execPath,
    [ava, '--tap', '--serial', '--concurrency=1', '--timeout=600s', file],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const results: Result[] = [];
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  for await (const line of readline.createInterface({input: child.stdout})) {
    const [, not, title] = /^(not )?ok \d+ - (.*)$/.exec(line) ?? [];
    if (title !== undefined) results.push({title, passed: not === undefined});
    // Results, logs of tests, and all output of a failed one.
    if (!/^(?:TAP version|#? *$|\d+\.\.|# (?:tests|pass|fail) )/.test(line)) say(`  ${line}`);
  }
  const status = await ended;
  return status !== 0 && results.every(({passed}) => passed)
    ? [...results, {title: `${file} ended with ${status}`, passed: false}]
    : results;
}

const results = new Map<string, readonly Result[]>();
for (const file of chosen) {
  if (skipped.includes(file)) continue;
  say(file);
  // oxlint-disable-next-line no-await-in-loop -- one file after the other.
  results.set(file, await run(file));
}

/** The result of a finding; undefined: none of its files was selected. */
function now({tests}: Finding): string | undefined {
  const run = tests.filter(([file]) => results.has(file));
  if (run.length === 0) return undefined;
  const failures: string[] = [];
  let passed = 0;
  for (const [file, title] of run) {
    const matching = (results.get(file) ?? []).filter((result) => result.title.includes(title));
    // A renamed test must not silently drop an attack.
    if (matching.length === 0) failures.push(`no test "${title}"`);
    passed += matching.filter((result) => result.passed).length;
    failures.push(...matching.filter((result) => !result.passed).map((result) => result.title));
  }
  const missing = tests.length - run.length;
  const rest = missing === 0 ? '' : `; ${missing} of its tests not run`;
  return failures.length === 0
    ? `held (passed: ${passed})${rest}`
    : `SUCCEEDS: ${failures.join('; ')}${rest}`;
}

say('\n| # | finding | before (f67b3b7) | now |\n|---|---|---|---|');
for (const finding of findings) {
  const outcome = now(finding);
  if (outcome !== undefined) say(`| ${finding.number} | ${finding.title} | ${finding.before} | ${outcome} |`);
}
const judged = [...results.values()].flat();
const failed = judged.filter(({passed}) => !passed);
for (const {title} of failed) say(`failed: ${title}`);
say(`${judged.length - failed.length} passed, ${failed.length} failed`);
const lost = findings.some((finding) => now(finding)?.startsWith('SUCCEEDS'));
process.exit(failed.length > 0 || lost ? 1 : 0);
