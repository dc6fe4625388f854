/** Checked with dpkg-parsechangelog where it is installed. */
import {spawnSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import test from 'ava';
import {debianChangelog} from './debian-changelog.ts';

const SOME = `# Changelog

## 0.3.0 (unreleased)

- One thing, in lines that are wrapped anew at the width that Debian's tools
  expect of them.

### Fixed

**Packages**

- Another.

## 0.2.0

Words about the release.

- First.
`;

test('each release becomes an entry and each change an item, in the file’s order, without headings', (t) => {
  t.is(
    debianChangelog(SOME, 1_000_000_000),
    `hactl (0.3.0) unstable; urgency=medium

  * One thing, in lines that are wrapped anew at the width that Debian's tools
    expect of them.
  * Another.

 -- hactl maintainers <root@localhost>  Sun, 09 Sep 2001 01:46:40 +0000

hactl (0.2.0) unstable; urgency=medium

  * First.

 -- hactl maintainers <root@localhost>  Sun, 09 Sep 2001 01:46:39 +0000
`,
  );
});

test('a release without changes is refused, naming the release', (t) => {
  t.throws(() => debianChangelog('## 0.4.0\n\nsoon\n', 0), {message: /0\.4\.0/});
});

test("our own changelog is read by dpkg's parser without a warning", (t) => {
  const ours = debianChangelog(readFileSync(new URL('../../CHANGELOG.md', import.meta.url), 'utf8'), 0);
  const {error, status, stdout, stderr} = spawnSync('dpkg-parsechangelog', ['-l', '-', '--all'], {
    input: ours,
    encoding: 'utf8',
  });
  if (error) {
    t.log('not checked: dpkg-parsechangelog is not installed (dpkg-dev)');
    t.regex(ours, /^hactl \(\d+\.\d+\.\d+\) unstable/);
    return;
  }
  t.is(stderr, '');
  t.deepEqual(
    ours.split('\n').filter((line) => line.length > 80),
    [],
  );
  t.notRegex(ours, /\*\*|#/);
  t.is(status, 0);
  t.regex(stdout, /^Version: \d+\.\d+\.\d+$/m);
});
