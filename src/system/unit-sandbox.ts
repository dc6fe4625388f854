/**
 * What the unit hactld.service forbids: a file that root may write in a shell may be read-only for hactld. The command line
 * asks systemd, so that `check-config` reports what the daemon would refuse.
 */
import {spawnSync} from 'node:child_process';
import {existsSync, readFileSync} from 'node:fs';
import {ACCESS_LIMIT_MS} from './limits.ts';

const UNIT = 'hactld.service';
const PROPERTIES = [
  'LoadState',
  'ProtectSystem',
  'ProtectHome',
  'PrivateTmp',
  'ReadWritePaths',
  'ReadOnlyPaths',
] as const;

/** Why a file is read-only for the unit, and how to change it; undefined: it is not. */
export type UnitSandbox = (file: string) => string | undefined;

const isWithin = (file: string, folder: string): boolean =>
  folder === '/' || file === folder || file.startsWith(`${folder}/`);

/**
 * Reads the output of `systemctl show` (systemd.exec(5): of nested paths the longest counts). The file's links must be
 * resolved.
 */
export function parseSandbox(shown: string): UnitSandbox {
  const values = new Map(
    shown.split('\n').map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
  if (values.get('LoadState') !== 'loaded') return () => undefined;
  const rules: {readonly folder: string; readonly reason?: string}[] = [];
  const protect = (folders: readonly string[], reason: string): void => {
    for (const folder of folders) rules.push({folder, reason});
  };
  const list = (name: string): string[] =>
    (values.get(name) ?? '')
      .split(' ')
      .filter((word) => word !== '')
      .map((word) => word.replace(/^[-+]+/, '').replace(/(?<=.)\/+$/, ''));
  const system = values.get('ProtectSystem') ?? 'no';
  if (system === 'strict') {
    protect(['/'], 'ProtectSystem=strict');
    for (const folder of ['/dev', '/proc', '/sys']) rules.push({folder});
  } else if (system !== 'no')
    protect(['/usr', '/boot', '/efi', ...(system === 'full' ? ['/etc'] : [])], `ProtectSystem=${system}`);
  const home = values.get('ProtectHome') ?? 'no';
  if (home !== 'no') protect(['/home', '/root', '/run/user'], `ProtectHome=${home}`);
  if ((values.get('PrivateTmp') ?? 'no') !== 'no')
    for (const folder of ['/tmp', '/var/tmp']) rules.push({folder});
  protect(list('ReadOnlyPaths'), 'ReadOnlyPaths=');
  for (const folder of list('ReadWritePaths')) rules.push({folder});
  return (file) => {
    let best: (typeof rules)[number] | undefined;
    for (const rule of rules)
      if (isWithin(file, rule.folder) && (best === undefined || rule.folder.length >= best.folder.length))
        best = rule;
    return best?.reason === undefined
      ? undefined
      : `the unit ${UNIT} may not write there (${best.reason}); \`systemctl edit hactld\` with ReadWritePaths= allows it`;
  };
}

/** Asks systemd once, at the first question. In the unit itself, and without systemd, nothing is asked: the kernel answers. */
export function unitSandbox(systemctl = 'systemctl', systemd = '/run/systemd/system'): UnitSandbox {
  let parsed: UnitSandbox | undefined;
  const ask = (): UnitSandbox => {
    if (!existsSync(systemd) || readFileSync('/proc/self/cgroup', 'utf8').includes(`/${UNIT}`))
      return () => undefined;
    const words = ['show', `--property=${PROPERTIES.join(',')}`, UNIT];
    const {status, stdout} = spawnSync(systemctl, words, {encoding: 'utf8', timeout: ACCESS_LIMIT_MS});
    return status === 0 ? parseSandbox(stdout) : () => undefined;
  };
  return (file) => (parsed ??= ask())(file);
}
