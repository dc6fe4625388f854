/** A Debian package of the tree. */
import {execFileSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {MAINTAINER} from './debian-changelog.ts';
import type {Architecture} from './tree.ts';

const files = path.join(import.meta.dirname, 'files');

export interface Release {
  readonly version: string;
  readonly architecture: Architecture;
  readonly date: number;
  readonly summary: string;
  /** Packs in seconds but larger: for tests. */
  readonly fast: boolean;
}

const walk = (folder: string): string[] =>
  readdirSync(folder, {recursive: true, withFileTypes: true})
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .filter((name) => !name.startsWith('DEBIAN/'))
    .toSorted();

/** A maintainer script; dpkg passes the action in its arguments. */
const scripts = (): Readonly<Record<string, string>> => {
  const part = (name: string): string => readFileSync(path.join(files, name), 'utf8');
  return {
    postinst: `#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
fresh=yes
[ -z "$2" ] || fresh=no
${part('postinst.sh')}`,
    prerm: `#!/bin/sh
set -e
[ "$1" = remove ] || exit 0
${part('prerm.sh')}`,
    postrm: `#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || :
fi
[ "$1" = purge ] || exit 0
${part('purge.sh')}rmdir /etc/ha.d 2>/dev/null || :
`,
  };
};

/** Packs the tree reproducibly; returns the file's name. */
export function makeDeb(tree: string, into: string, release: Release): string {
  const {version, architecture, date, summary, fast} = release;
  const control = path.join(tree, 'DEBIAN');
  rmSync(control, {recursive: true, force: true});
  mkdirSync(control, {recursive: true});
  const names = walk(tree);
  const size = names.reduce((sum, name) => sum + Math.ceil(statSync(path.join(tree, name)).size / 1_024), 0);
  const write = (name: string, content: string, mode: number): void => {
    writeFileSync(path.join(control, name), content);
    chmodSync(path.join(control, name), mode);
  };
  write(
    'control',
    `Package: hactl
Version: ${version}
Architecture: ${architecture}
Maintainer: ${MAINTAINER}
Installed-Size: ${size}
Depends: libc6 (>= 2.28), libstdc++6, libgcc-s1
Recommends: kmod
Suggests: ipvsadm, default-mta | mail-transport-agent
Section: net
Priority: optional
Description: ${summary}
 Two directors share virtual addresses and balance connections over real
 servers with the kernel's IPVS. It reads the files of heartbeat and
 ldirectord, checks the real servers, and moves addresses and connections to
 the other director on failure. It contains its own Node runtime.
`,
    0o644,
  );
  write('conffiles', '/etc/default/hactl\n', 0o644);
  write(
    'md5sums',
    names
      .filter((name) => !name.startsWith('etc/'))
      .map(
        (name) =>
          `${createHash('md5')
            .update(readFileSync(path.join(tree, name)))
            .digest('hex')}  ${name}\n`,
      )
      .join(''),
    0o644,
  );
  for (const [name, text] of Object.entries(scripts())) write(name, text, 0o755);
  execFileSync('find', [
    control,
    tree,
    '-maxdepth',
    '1',
    '-exec',
    'touch',
    '-h',
    '-d',
    `@${date}`,
    '{}',
    '+',
  ]);
  const pack = fast ? ['-Zgzip', '-z1'] : ['-Zxz', '-z6', '--threads-max=2'];
  const file = path.join(into, `hactl_${version}_${architecture}.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', ...pack, '--build', tree, file], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {...process.env, SOURCE_DATE_EPOCH: String(date)},
  });
  rmSync(control, {recursive: true, force: true});
  return file;
}
