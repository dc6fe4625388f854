/** Builds an RPM of the tree with rpmbuild. */
import {execFileSync} from 'node:child_process';
import {mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import type {Release} from './deb.ts';
import {architectures} from './tree.ts';

const part = (name: string): string => readFileSync(path.join(import.meta.dirname, 'files', name), 'utf8');
/** A spec file expands `%`. */
const plain = (text: string): string => text.replaceAll('%', '%%');

/** Packs the tree; returns the file's name. Throws if rpmbuild is missing. */
export function makeRpm(tree: string, into: string, scratch: string, release: Release): string {
  const {version, architecture, date, summary, fast} = release;
  const target = architectures[architecture].rpm;
  const top = path.join(scratch, 'rpm');
  mkdirSync(top, {recursive: true});
  const spec = path.join(top, 'hactl.spec');
  writeFileSync(
    spec,
    `Name: hactl
Version: ${version}
Release: 1
Summary: ${summary}
License: MIT
Group: System Environment/Daemons
AutoReqProv: no
Requires: /bin/sh
BuildRoot: ${top}/root

%description
Two directors share virtual addresses and balance connections over real servers with the kernel's IPVS.
It reads the files of heartbeat and ldirectord. It contains its own Node runtime.

%install
rm -rf %{buildroot}
mkdir -p %{buildroot}
cp -a ${tree}/. %{buildroot}/

%post
if [ "$1" = 1 ]; then fresh=yes; else fresh=no; fi
${plain(part('postinst.sh'))}

%preun
[ "$1" = 0 ] || exit 0
${plain(part('prerm.sh'))}

%postun
if [ -d /run/systemd/system ]; then systemctl daemon-reload || :; fi
[ "$1" = 0 ] || exit 0
# Without a purge of its own, RPM leaves what a director must not forget.
rm -rf /var/cache/hactl /run/hactl

%files
%defattr(-,root,root,-)
%dir /etc/ha.d
%config(noreplace) /etc/sysconfig/hactl
/usr/lib/hactl
/usr/sbin/*
/usr/lib/systemd/system/*
/usr/lib/sysusers.d/hactl.conf
/usr/lib/tmpfiles.d/hactl.conf
/usr/lib/modules-load.d/hactl.conf
/usr/share/bash-completion/completions/hactl
/usr/share/zsh/vendor-completions/_hactl
/usr/share/fish/vendor_completions.d/hactl.fish
%doc /usr/share/doc/hactl
/usr/share/man/man*/*
`,
  );
  const defines = [
    `_topdir ${top}`,
    `_rpmdir ${top}/out`,
    '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm',
    '__os_install_post %{nil}',
    '_build_id_links none',
    '_buildhost localhost',
    'use_source_date_epoch_as_buildtime 1',
    'clamp_mtime_to_source_date_epoch 1',
    `_binary_payload ${fast ? 'w1.gzdio' : 'w6.xzdio'}`,
    'debug_package %{nil}',
  ].flatMap((define) => ['--define', define]);
  execFileSync('rpmbuild', ['-bb', '--quiet', '--target', `${target}-linux`, '--nodeps', ...defines, spec], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {...process.env, SOURCE_DATE_EPOCH: String(date)},
  });
  const made = readdirSync(path.join(top, 'out'), {recursive: true, encoding: 'utf8'}).find((name) =>
    name.endsWith('.rpm'),
  );
  if (made === undefined) throw new Error('rpmbuild built no package');
  const file = path.join(into, path.basename(made));
  renameSync(path.join(top, 'out', made), file);
  return file;
}
