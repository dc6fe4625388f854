/** Verdicts on a director's probes of its real servers. Pure; verify-driver.ts makes the observations. */
import type {Method} from './realserver-plan.ts';

/** One real server of one virtual address. */
export interface Target {
  readonly vip: string;
  /** 0: unknown. */
  readonly port: number;
  readonly real: string;
  readonly method: Method;
}

export interface SeenVip {
  readonly vip: string;
  /** On an interface of this director other than lo. */
  readonly assigned: boolean;
  /** An interface of this director is in its network, and ARP or neighbour solicitations were sent there. */
  readonly asked: boolean;
  /** The hardware addresses that answered for it. */
  readonly claims: readonly string[];
}

export interface SeenReal {
  readonly real: string;
  /** An address of this machine: it needs no probe. */
  readonly local: boolean;
  /** An interface of this director is in its network. */
  readonly onLink: boolean;
  readonly mac?: string;
  /** It answers an echo request to its own address. */
  readonly answers: boolean;
  /** masq: its answer to somebody elsewhere came to this director. */
  readonly returned: boolean;
}

export interface Observation {
  readonly vips: readonly SeenVip[];
  readonly reals: readonly SeenReal[];
  /** `VIP REAL METHOD` of the real servers that accepted a packet for the VIP. */
  readonly taken: ReadonlySet<string>;
}

export type FindingCode =
  | 'answers-arp' | 'two-holders' | 'nobody-answers' | 'no-vip' | 'vip-on-masq' | 'wrong-route' | 'silent' | 'not-here' | 'good'; // prettier-ignore

export interface Finding {
  readonly level: 'good' | 'warning' | 'bad';
  readonly code: FindingCode;
  readonly vip: string;
  readonly real?: string;
  readonly text: string;
  /** What to do. */
  readonly help?: string;
}

/** The name of the address resolution protocol. */
const asking = (address: string): string => (address.includes(':') ? 'neighbour solicitations' : 'ARP');

export const pairKey = (target: Pick<Target, 'vip' | 'real' | 'method'>): string =>
  `${target.vip} ${target.real} ${target.method}`;

export function judge(targets: readonly Target[], seen: Observation): Finding[] {
  const owner = new Map(
    seen.reals.flatMap(({real, mac}) => (mac === undefined ? [] : [[mac, real] as const])),
  );
  const vips = new Set(targets.map(({vip}) => vip));
  const claims = seen.vips.filter(({vip}) => vips.has(vip)).flatMap((vip) => judgeVip(vip, owner));
  const unique = new Map(targets.map((target) => [pairKey(target), target]));
  return [...claims, ...[...unique.values()].flatMap((target) => judgeReal(target, seen, claims))];
}

function judgeVip({vip, assigned, asked, claims}: SeenVip, owner: ReadonlyMap<string, string>): Finding[] {
  const found: Finding[] = [];
  const others = claims.filter((mac) => !owner.has(mac));
  for (const mac of claims) {
    const real = owner.get(mac);
    if (real !== undefined)
      found.push({
        level: 'bad',
        code: 'answers-arp',
        vip,
        real,
        text: `${real} (${mac}) answers ${asking(vip)} for ${vip}: clients that get its answer first bypass the director`,
        help: `on ${real}: hactl realserver apply --vip ${vip}; then on clients and routers that cached it: ip neigh flush to ${vip}`,
      });
  }
  if (others.length > (assigned ? 0 : 1))
    found.push({
      level: 'bad',
      code: 'two-holders',
      vip,
      text: `${assigned ? 'this director holds' : 'there should be one answer for'} ${vip}, but ${others.join(' and ')} answer${others.length === 1 ? 's' : ''} ${asking(vip)} for it`,
      help: 'both directors Active (hactl status on each), or a machine that is not a real server has the address',
    });
  if (asked && !assigned && claims.length === 0)
    found.push({
      level: 'warning',
      code: 'nobody-answers',
      vip,
      text: `nobody answers ${asking(vip)} for ${vip}, and this director does not have it`,
      help: 'hactl status shows which director should have it',
    });
  return found;
}

function judgeReal(target: Target, seen: Observation, claims: readonly Finding[]): Finding[] {
  const {vip, real, method} = target;
  const found = seen.reals.find((candidate) => candidate.real === real);
  const say = (level: Finding['level'], code: FindingCode, text: string, help?: string): Finding[] => [
    {level, code, vip, real, text, ...(help === undefined ? {} : {help})},
  ];
  if (!found || found.local) return say('good', 'good', `${real} is this machine`);
  if (!found.onLink)
    return say(
      'warning',
      'not-here',
      `${real} is in no network of this director: it cannot be verified from here`,
      method === 'gate'
        ? 'gate (direct routing) needs the real server on the same segment: use ipip, or fix the address'
        : `on ${real}: hactl realserver plan --vip ${vip} --method ${method}`,
    );
  if (found.mac === undefined)
    return say(
      'bad',
      'silent',
      `${real} does not answer ${asking(real)} for its own address`,
      'is it up, and on this segment?',
    );
  const taken = seen.taken.has(pairKey(target));
  if (method === 'masq') {
    if (taken)
      return say(
        'warning',
        'vip-on-masq',
        `${real} has ${vip} on an interface, which masq does not allow`,
        `on ${real}: hactl realserver undo, or remove the address`,
      );
    if (!found.answers)
      return say(
        'warning',
        'silent',
        `${real} answers no echo request: its route cannot be verified`,
        `on ${real}: ip route show default must name the directors' address on this side`,
      );
    return found.returned
      ? say('good', 'good', `${real} sends its answers through this director`)
      : say(
          'bad',
          'wrong-route',
          `${real} sends its answers to clients by another route: they arrive with the wrong sender, and connections hang`,
          `on ${real}: hactl realserver apply --method masq --vip ${vip} --gateway ADDRESS, the directors' address on this side (verify on the director that has it)`,
        );
  }
  if (!taken)
    return say(
      'bad',
      'no-vip',
      `${real} does not accept packets for ${vip}${method === 'ipip' ? ' out of the tunnel' : ''}: neither echo nor TCP is answered`,
      `on ${real}: hactl realserver apply --vip ${vip}${method === 'ipip' ? ' --method ipip' : ''}; or its firewall drops both`,
    );
  return claims.some((claim) => claim.code === 'answers-arp' && claim.vip === vip && claim.real === real)
    ? []
    : say('good', 'good', `${real} has ${vip} and does not answer ARP for it`);
}
