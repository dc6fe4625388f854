/** The package's file tree as installed on a director, for one architecture. */
import {execFileSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {gzipSync} from 'node:zlib';
import {native} from './bundle.ts';
import {debianChangelog} from './debian-changelog.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** An architecture's name in Debian, Node and rpm. */
export const architectures = {
  amd64: {node: 'x64', rpm: 'x86_64'},
  arm64: {node: 'arm64', rpm: 'aarch64'},
} as const;
export type Architecture = keyof typeof architectures;

interface Locked {
  readonly version: string;
  readonly integrity: string;
}

const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
  readonly packages: Readonly<Record<string, Locked>>;
};

/**
 * A package's folder: the installed one or, for another architecture, fetched by npm and verified against the lock file's
 * integrity hash. Throws on a mismatch.
 */
function packageFolder(name: string, scratch: string): string {
  const installed = path.join(root, 'node_modules', name);
  if (existsSync(installed)) return installed;
  const locked = lock.packages[`node_modules/${name}`];
  if (!locked) throw new Error(`${name} is not in package-lock.json`);
  const folder = path.join(scratch, name.replace('/', '+'));
  if (existsSync(folder)) return path.join(folder, 'package');
  mkdirSync(folder, {recursive: true});
  const words = ['pack', `${name}@${locked.version}`, '--pack-destination', folder, '--loglevel=error'];
  const file = path.join(folder, execFileSync('npm', words, {cwd: root, encoding: 'utf8'}).trim());
  const [algorithm = '', expected = ''] = locked.integrity.split('-');
  const found = createHash(algorithm).update(readFileSync(file)).digest('base64');
  if (found !== expected)
    throw new Error(`${name}: the fetched file does not match the integrity hash in package-lock.json`);
  execFileSync('tar', ['-xzf', file, '-C', folder]);
  rmSync(file);
  return path.join(folder, 'package');
}

/** Only the runtime files of native packages: no sources, no binaries of other systems. */
function addNative(lib: string, architecture: Architecture, scratch: string): void {
  const {node} = architectures[architecture];
  const add = (name: string, members: readonly string[]): void => {
    const from = packageFolder(name, scratch);
    for (const member of members)
      cpSync(path.join(from, member), path.join(lib, 'node_modules', name, member), {recursive: true});
  };
  const [koffi, netlink] = native;
  add(koffi, [
    'package.json',
    'index.cjs',
    'index.js',
    'indirect.cjs',
    'indirect.js',
    'src/koffi',
    'LICENSE.txt',
  ]);
  const sources = path.join(lib, 'node_modules', koffi, 'src/koffi');
  for (const part of ['src', 'CMakeLists.txt']) {
    const kept = execFileSync('find', [
      path.join(sources, part),
      '-type',
      'f',
      '!',
      '-name',
      '*.cjs',
      '!',
      '-name',
      '*.js',
    ]);
    for (const file of kept.toString().split('\n').filter(Boolean)) rmSync(file);
  }
  add(`@koromix/koffi-linux-${node}`, ['package.json', 'index.js', `linux_${node}`]);
  add(netlink, ['package.json', 'dist', 'LICENSE', `prebuilds/linux-${node}`]);
  add('node-gyp-build', ['package.json', 'index.js', 'node-gyp-build.js', 'LICENSE']);
  const runtime = packageFolder(`node-linux-${node}`, scratch);
  cpSync(path.join(runtime, 'bin/node'), path.join(lib, 'node'));
  cpSync(path.join(runtime, 'LICENSE'), path.join(lib, 'LICENSE.node'));
}

const wrapper = (program: string, words = ''): string => `#!/bin/sh
# Where root's runs keep the compiled form of the program.
: "\${NODE_COMPILE_CACHE:=/var/cache/hactl}"
export NODE_COMPILE_CACHE
exec /usr/lib/hactl/node /usr/lib/hactl/${program}.mjs${words} "$@"
`;

export interface TreePlan {
  readonly folder: string;
  /** The bundles (bundle.ts). */
  readonly bundles: string;
  readonly scratch: string;
  readonly architecture: Architecture;
  /** Software bill of materials. */
  readonly sbom: string;
  /** Timestamp of every file, seconds since 1970: builds are reproducible. */
  readonly date: number;
  readonly distribution: 'debian' | 'rpm';
}

/** Rebuilds the tree from scratch. */
export function makePackageTree(plan: TreePlan): void {
  const {folder, bundles, scratch, architecture, distribution} = plan;
  rmSync(folder, {recursive: true, force: true});
  const write = (file: string, content: string | Buffer, mode = 0o644): void => {
    const target = path.join(folder, file);
    mkdirSync(path.dirname(target), {recursive: true});
    writeFileSync(target, content);
    chmodSync(target, mode);
  };
  const text = (file: string): string => readFileSync(path.join(root, file), 'utf8');
  const packed = (content: string): Buffer => {
    const made = gzipSync(content, {level: 9});
    // zlib sets the OS byte of the gzip header by platform; fix it.
    made[9] = 3;
    return made;
  };
  const lib = path.join(folder, 'usr/lib/hactl');
  mkdirSync(lib, {recursive: true});
  cpSync(bundles, lib, {recursive: true});
  addNative(lib, architecture, scratch);
  for (const name of ['hactl', 'hactld', 'hactl-console']) write(`usr/sbin/${name}`, wrapper(name), 0o755);
  for (const name of ['ldirectord', 'heartbeat']) write(`usr/lib/hactl/compat/${name}`, wrapper(name), 0o755);
  write('usr/lib/hactl/compat/ipvsadm', wrapper('hactl', ' ipvsadm'), 0o755);

  const units = distribution === 'debian' ? 'lib/systemd/system' : 'usr/lib/systemd/system';
  const files = 'src/packaging/files';
  for (const unit of ['hactld.service', 'hactl-console.service', 'ldirectord@.service'])
    write(`${units}/${unit}`, text(`${files}/${unit}`));
  write('usr/lib/sysusers.d/hactl.conf', text(`${files}/hactl.sysusers`));
  write('usr/lib/tmpfiles.d/hactl.conf', text(`${files}/hactl.tmpfiles`));
  write('usr/lib/modules-load.d/hactl.conf', text(`${files}/hactl.modules`));
  const defaults = distribution === 'debian' ? 'etc/default/hactl' : 'etc/sysconfig/hactl';
  write(defaults, text(`${files}/hactl.default`));
  mkdirSync(path.join(folder, 'etc/ha.d'), {recursive: true});

  for (const name of ['hactl.8', 'hactld.8', 'ldirectord-hactl.8', 'hactl-ha.cf.5'])
    write(`usr/share/man/man${name.at(-1)}/${name}.gz`, packed(text(`docs/man/${name}`)));
  const hactl = path.join(root, 'src/hactl.ts');
  for (const [shell, file] of [
    ['bash', 'bash-completion/completions/hactl'],
    ['zsh', 'zsh/vendor-completions/_hactl'],
    ['fish', 'fish/vendor_completions.d/hactl.fish'],
  ] as const)
    write(`usr/share/${file}`, execFileSync(process.execPath, [hactl, 'completion', shell]));

  const doc = 'usr/share/doc/hactl';
  if (distribution === 'debian') {
    write(`${doc}/changelog.gz`, packed(debianChangelog(text('CHANGELOG.md'), plan.date)));
    write('usr/share/lintian/overrides/hactl', text(`${files}/hactl.lintian-overrides`));
  } else write(`${doc}/changelog.gz`, packed(text('CHANGELOG.md')));
  write(`${doc}/copyright`, copyright(lib));
  write(`${doc}/sbom.cdx.json`, plan.sbom);
  for (const page of [
    'install',
    'configuration',
    'hactl',
    'troubleshooting',
    'console',
    'ldirectord',
    'heartbeat',
  ])
    write(`${doc}/${page}.md`, text(`docs/${page}.md`));
  for (const name of ['ha.cf', 'haresources', 'authkeys', 'ldirectord.cf'])
    write(`${doc}/examples/${name}`, text(`${files}/examples/${name}`));
  write(`${doc}/examples/resources.conf`, text(`${files}/resources.conf`));

  execFileSync('find', [folder, '-type', 'd', '-exec', 'chmod', '755', '{}', '+']);
  execFileSync('find', [lib, '-type', 'f', '-exec', 'chmod', '644', '{}', '+']);
  for (const file of ['node', 'compat/ldirectord', 'compat/heartbeat', 'compat/ipvsadm'])
    chmodSync(path.join(lib, file), 0o755);
  execFileSync('find', [folder, '-exec', 'touch', '-h', '-d', `@${plan.date}`, '{}', '+']);
}

/** Our licence, Node's (with its bundled components) and the native packages'; bundled packages are in the SBOM. */
const copyright = (lib: string): string =>
  [
    'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/',
    'Upstream-Name: hactl',
    '',
    'Files: *',
    'Copyright: the hactl authors; of bundled packages see sbom.cdx.json',
    'License: MIT',
    ...readFileSync(path.join(root, 'LICENSE'), 'utf8').trim().split('\n').map(indented),
    '',
    'Files: usr/lib/hactl/node',
    'Copyright: Node.js contributors and others',
    'License: Node.js',
    ...readFileSync(path.join(lib, 'LICENSE.node'), 'utf8').trim().split('\n').map(indented),
    '',
  ].join('\n');

const indented = (line: string): string => (line.trim() === '' ? ' .' : ` ${line}`);
