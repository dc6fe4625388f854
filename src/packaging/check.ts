/**
 * `npm run package -- --check`: checks the packages. Sizes; lintian, except for the tags in files/hactl.lintian-overrides; the
 * RPM installed into an overlay that records every file created, its scriptlets and its unit, then erased. A check that cannot
 * run prints why.
 */
import {execFileSync, spawnSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import path from 'node:path';

/** Maximum octets of a .deb; issue 14. */
const LARGEST = 35e6;

export interface Check {
  readonly name: string;
  /** What is wrong; undefined: passed. */
  readonly problem?: string;
  readonly note: string;
}

const has = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;

export function checkSize(file: string): Check {
  const {size} = statSync(file);
  const note = `${path.basename(file)}: ${(size / 1e6).toFixed(1)} MB, at most ${LARGEST / 1e6}`;
  return {name: 'size', note, ...(size <= LARGEST ? {} : {problem: note})};
}

export function checkLintian(deb: string): Check {
  if (!has('lintian'))
    return {name: 'lintian', note: 'not run: lintian is not installed (apt-get install lintian)'};
  const words = ['--allow-root', '--show-overrides', '--tag-display-limit', '0', deb];
  const {stdout, stderr} = spawnSync('lintian', words, {encoding: 'utf8'});
  const lines = stdout.split('\n');
  const wrong = lines.filter((line) => /^[EW]: /.test(line));
  const used = new Set(lines.flatMap((line) => /^O: \S+: (\S+)/.exec(line)?.[1] ?? []));
  const note = `overridden: ${[...used].join(', ')}`;
  const problem = wrong.length > 0 ? wrong.join('\n') : stdout === '' ? stderr.trim() : '';
  return {name: 'lintian', note, ...(problem === '' ? {} : {problem})};
}

/**
 * In a mount namespace with an empty overlay layer above this machine's files: the layer then contains exactly what the package
 * and its scriptlets created.
 */
const TRIAL = `set -e
cd "$1"
mount -t tmpfs tmpfs layer
mkdir layer/up layer/work
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/layer/up,workdir=$1/layer/work" merged
mount -t proc proc merged/proc
mount --rbind /dev merged/dev
mkdir -p merged/etc/ha.d
cp "$2" merged/root/package.rpm
rpm() { chroot merged rpm --force-debian --dbpath /var/lib/rpm-trial "$@"; }
rpm -i --nodeps /root/package.rpm >log 2>&1
rpm -ql hactl >files
while read -r file; do [ -e "merged$file" ] || [ -L "merged$file" ] || echo "missing: $file"; done <files
rpm -V --nodeps hactl || echo 'rpm -V: a file differs from the package'
grep -q '^hactl-check:' merged/etc/passwd || echo 'the scriptlet did not create the user hactl-check'
grep -q '^hactl:' merged/etc/group || echo 'the scriptlet did not create the group hactl'
chroot merged /usr/sbin/hactl --version >version || echo 'hactl does not run'
if command -v systemd-analyze >/dev/null; then
  chroot merged env SYSTEMD_LOG_LEVEL=err systemd-analyze --man=no verify /usr/lib/systemd/system/hactld.service 2>&1 || echo 'systemd rejects the unit'
fi
rpm -e --nodeps hactl >>log 2>&1
for place in usr/lib/hactl usr/lib/systemd/system/hactld.service usr/sbin/hactl var/cache/hactl; do
  [ ! -e "merged/$place" ] || echo "left after rpm -e: /$place"
done
`;

/** Needs root. */
export function checkRpm(file: string, scratch: string, version: string): Check {
  const name = 'rpm';
  const elsewhere =
    process.getuid?.() !== 0
      ? 'not running as root'
      : has('rpm')
        ? undefined
        : 'rpm is not installed (apt-get install rpm)';
  if (elsewhere !== undefined) return {name, note: `trial installation not run: ${elsewhere}`};
  const folder = mkdtempSync(path.join(scratch, 'trial-'));
  for (const part of ['layer', 'merged']) mkdirSync(path.join(folder, part));
  const script = path.join(folder, 'trial.sh');
  writeFileSync(script, TRIAL);
  const {status, stdout, stderr} = spawnSync(
    'unshare',
    ['--mount', 'sh', script, folder, path.resolve(file)],
    {encoding: 'utf8'},
  );
  const read = (part: string): string => {
    try {
      return readFileSync(path.join(folder, part), 'utf8');
    } catch {
      return '';
    }
  };
  const text = `${stdout}${status === 0 ? '' : `${stderr}${read('log')}`}`.trim();
  const seen = read('version').trim();
  const count = read('files').trim().split('\n').length;
  rmSync(folder, {recursive: true, force: true});
  const problem = text !== '' ? text : seen === version ? undefined : `hactl --version printed ${seen}`;
  return {name, note: `${count} files, users, unit; erased`, ...(problem === undefined ? {} : {problem})};
}

export const digest = (file: string): string =>
  execFileSync('sha256sum', [file], {encoding: 'utf8'}).slice(0, 64);
