/** Checks options against commands and tunnels in ipvsadm's order: the first error is reported. */
import {kinds, rules, type CommandName, type Kind} from './options.ts';
import {refuse} from './plan.ts';

type Given = ReadonlySet<Kind>;

/** Of two conflicting options of a listing, the later one is reported first. */
const listConflicts: readonly (readonly [Kind, Kind])[] = [
  ['service-address', 'connection'],
  ['timeout', 'connection'],
  ['timeout', 'service-address'],
  ['daemon', 'connection'],
  ['daemon', 'service-address'],
  ['daemon', 'timeout'],
];

export function checkCommand(name: CommandName, given: Given): void {
  const {needed, allowed} = rules[name];
  for (const kind of kinds) {
    if (!given.has(kind)) {
      if (needed.includes(kind))
        throw refuse(`You need to supply the '${kind}' option for the '${name}' command`);
      continue;
    }
    if (!needed.includes(kind) && !allowed.includes(kind))
      throw refuse(`Illegal '${kind}' option with the '${name}' command`);
    if (name !== 'list') continue;
    const conflicting = listConflicts.find(([one, two]) => one === kind && given.has(two))?.[1];
    if (conflicting !== undefined)
      throw refuse(`The option '${kind}' conflicts with the '${conflicting}' option in the 'list' command`);
  }
  if (name !== 'list') return;
  const has = (...names: readonly Kind[]): boolean => names.some((name) => given.has(name));
  if (
    (has('connection', 'timeout', 'daemon') && has('stats', 'rate', 'thresholds')) ||
    (has('timeout', 'daemon') && has('persistent-conn'))
  )
    throw refuse('options conflicts in the list command');
}

export type TunnelType = 'ipip' | 'gue' | 'gre';

const tunnelKinds = ['tun-port', 'tun-nocsum', 'tun-csum', 'tun-remcsum'] as const;
type TunnelKind = (typeof tunnelKinds)[number];

const tunnelAllowed: Readonly<Record<TunnelType, readonly TunnelKind[]>> = {
  ipip: [],
  gue: tunnelKinds,
  gre: ['tun-nocsum', 'tun-csum'],
};

const checksums: readonly TunnelKind[] = ['tun-nocsum', 'tun-csum', 'tun-remcsum'];

export function checkTunnel(type: TunnelType, given: Given): void {
  for (const kind of tunnelKinds) {
    if (!given.has(kind)) {
      if (kind === 'tun-port' && type === 'gue')
        throw refuse(`You need to supply the '${kind}' option for the '${type}' tunnel type`);
      continue;
    }
    if (!tunnelAllowed[type].includes(kind))
      throw refuse(`Illegal '${kind}' option with the '${type}' tunnel type`);
    const before = checksums.slice(0, Math.max(0, checksums.indexOf(kind)));
    const conflicting = before.find((text) => given.has(text));
    if (conflicting !== undefined)
      throw refuse(
        `The option '${kind}' conflicts with the '${conflicting}' option in the '${type}' tunnel type`,
      );
  }
}
