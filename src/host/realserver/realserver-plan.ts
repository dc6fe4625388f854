/**
 * The steps that a real server needs for its forwarding method, and which of them are done already: the settings that tutorials
 * describe as manual commands. Pure; realserver-driver.ts gathers the facts and applies the steps.
 */
import {arpRules} from './arptables.ts';
import {familyOf, hostLength, within, type OwnAddress} from '../networks.ts';

export type Method = 'gate' | 'ipip' | 'masq';
export type Form = 'arp_ignore' | 'arptables' | 'nft';

/** The operator's request. */
export interface Goal {
  readonly vips: readonly string[];
  readonly method: Method;
  /** How the real server is kept from answering ARP for the VIP. */
  readonly form: Form;
  /** The interface that faces the director; undefined: found by its addresses. */
  readonly device?: string;
  /** masq: the gateway for its answers, the director's address on this side. */
  readonly gateway?: string;
}

/** The facts about the machine. */
export interface RealFacts {
  /** Without the leading `net.`: `ipv4.conf.all.arp_ignore`. A missing key has no file in /proc. */
  readonly sysctls: ReadonlyMap<string, string>;
  readonly addresses: readonly OwnAddress[];
  readonly links: readonly {readonly name: string; readonly up: boolean}[];
  /** The output of arptables-save and of `nft list ruleset`; undefined: the program is missing or failed. */
  readonly arptables?: string;
  readonly nft?: string;
  /** Gateway of the IPv4 default route. */
  readonly gateway?: string;
}

type Action =
  | {readonly kind: 'module'; readonly name: string}
  | {readonly kind: 'sysctl'; readonly key: string; readonly value: string}
  | {readonly kind: 'link-up'; readonly device: string}
  | {readonly kind: 'address'; readonly device: string; readonly address: string}
  | {readonly kind: 'run'; readonly argv: readonly string[]; readonly undo: readonly string[]; readonly input?: string}
  | {readonly kind: 'route'; readonly gateway: string}; // prettier-ignore

export type Step = Action & {
  readonly why: string;
  readonly done: boolean;
  /** The address that the step belongs to; undefined: to all. */
  readonly vip?: string;
};

export interface RealPlan {
  readonly steps: readonly Step[];
  /** A note for the operator. */
  readonly notes: readonly string[];
  /** Why the plan cannot be applied. */
  readonly faults: readonly string[];
}

/** The interface that faces the director: the one with the VIP's network, else the first that has any address. */
export function facing(goal: Goal, facts: RealFacts): string | undefined {
  const outside = facts.addresses.filter(({device}) => device !== 'lo' && !isTunnel(device));
  return (
    goal.device ??
    outside.find((address) => goal.vips.some((vip) => vip !== address.address && within(vip, address)))
      ?.device ??
    outside[0]?.device
  );
}

const isTunnel = (device: string): boolean => /^(tunl|ip6tnl)\d+$/.test(device);
/** The interface for the VIP: never the one that faces the network. */
export const vipDevice = (method: Method, vip: string): string =>
  method !== 'ipip' ? 'lo' : familyOf(vip) === 4 ? 'tunl0' : 'ip6tnl0';

/** All steps in order: ARP is suppressed before the real server gets the address. */
export function planReal(goal: Goal, facts: RealFacts): RealPlan {
  const faults: string[] = [];
  const notes: string[] = [];
  const steps = goal.method === 'masq' ? masqSteps(goal, facts, notes, faults) : [];
  if (goal.method !== 'masq') {
    const device = facing(goal, facts);
    if (device === undefined || !facts.links.some(({name}) => name === device))
      faults.push(
        device === undefined
          ? 'no interface has an address: use --device'
          : `there is no interface ${device}`,
      );
    else {
      for (const vip of goal.vips)
        if (facts.addresses.some((address) => address.address === vip && address.device === device))
          faults.push(
            `${vip} is on ${device}: there the real server answers ARP for it; ip address del ${vip} dev ${device}`,
          );
      steps.push(
        ...(goal.method === 'ipip' ? tunnelSteps(goal, facts) : []),
        ...silence(goal, facts, device, notes, faults),
        ...goal.vips.map((vip) => addressStep(goal, facts, vip)),
      );
    }
  }
  return {steps, notes, faults};
}

const sysctl = (facts: RealFacts, key: string, value: string, why: string): Step => {
  const now = facts.sysctls.get(key);
  // arp_ignore 2 is stricter than 1, which is fine.
  const done = now === value || (key.endsWith('.arp_ignore') && now === '2');
  return {kind: 'sysctl', key, value, why, done};
};

function tunnelSteps(goal: Goal, facts: RealFacts): Step[] {
  const devices = [...new Set(goal.vips.map((vip) => vipDevice('ipip', vip)))];
  return devices.flatMap((device): Step[] => [
    {
      kind: 'module',
      name: device === 'tunl0' ? 'ipip' : 'ip6_tunnel',
      why: `${device} decapsulates the tunnelled packets`,
      done: facts.links.some(({name}) => name === device),
    },
    {
      kind: 'link-up',
      device,
      why: 'a tunnel interface that is down drops all packets',
      done: facts.links.some(({name, up}) => name === device && up),
    },
    ...(device === 'tunl0'
      ? ['all', device].map((name) =>
          sysctl(
            facts,
            `ipv4.conf.${name}.rp_filter`,
            '0',
            'packets arrive by the tunnel, but the route to the clients does not use it: the filter would drop them',
          ),
        )
      : []),
  ]);
}

/** The steps that stop this machine from announcing the VIP. */
function silence(goal: Goal, facts: RealFacts, device: string, notes: string[], faults: string[]): Step[] {
  const vips = goal.vips.filter((vip) => familyOf(vip) === 4);
  if (vips.length < goal.vips.length)
    notes.push('IPv6: a host answers neighbour solicitations of an interface only for the addresses on that interface: nothing to set'); // prettier-ignore
  if (vips.length === 0) return [];
  if (goal.form === 'arp_ignore')
    return ['all', device].flatMap((name) => [
      sysctl(
        facts,
        `ipv4.conf.${name}.arp_ignore`,
        '1',
        'it answers ARP only for addresses of the receiving interface',
      ),
      sysctl(
        facts,
        `ipv4.conf.${name}.arp_announce`,
        '2',
        'its own ARP requests never carry the VIP as their sender',
      ),
    ]);
  const source = facts.addresses.find(
    (address) => address.device === device && address.family === 4,
  )?.address;
  if (source === undefined) {
    faults.push(`${device} has no IPv4 address to replace the VIP`);
    return [];
  }
  const rules = goal.form === 'nft' ? facts.nft : facts.arptables;
  if (rules === undefined) {
    faults.push(
      goal.form === 'nft'
        ? 'nft cannot be used: apt install nftables'
        : 'arptables cannot be used: apt install arptables, or use --form nft or arp_ignore',
    );
    return [];
  }
  return vips.flatMap((vip) =>
    goal.form === 'nft' ? [nftStep(vip, source, rules)] : arptablesSteps(vip, source, rules, notes),
  );
}

export const nftTable = (vip: string): string => `hactl_${vip.replaceAll('.', '_')}`;

/** The table in the form that nft reads and prints. */
export const nftRules = (vip: string, source: string): string => `table arp ${nftTable(vip)} {
	chain input {
		type filter hook input priority filter; policy accept;
		arp daddr ip ${vip} drop
	}

	chain output {
		type filter hook output priority filter; policy accept;
		arp saddr ip ${vip} arp saddr ip set ${source}
	}
}
`;

function nftStep(vip: string, source: string, ruleset: string): Step {
  const rules = nftRules(vip, source);
  return {
    kind: 'run',
    argv: ['nft', '-f', '-'],
    input: rules,
    undo: ['nft', 'delete', 'table', 'arp', nftTable(vip)],
    why: `ARP for ${vip} is dropped, and outgoing ARP never has it as its sender`,
    done: ruleset.includes(rules.trimEnd()),
    vip,
  };
}

function arptablesSteps(vip: string, source: string, saved: string, notes: string[]): Step[] {
  const {dropped, mangledTo, faults} = arpRules(saved, vip);
  notes.push(...faults);
  const step = (rule: readonly string[], why: string, done: boolean): Step => ({
    kind: 'run',
    argv: ['arptables', '-A', ...rule],
    undo: ['arptables', '-D', ...rule],
    why,
    done,
    vip,
  });
  return [
    step(['INPUT', '-d', vip, '-j', 'DROP'], `ARP for ${vip} is dropped`, dropped),
    step(
      ['OUTPUT', '-s', vip, '-j', 'mangle', '--mangle-ip-s', source],
      `its own ARP carries ${source} instead of ${vip}`,
      mangledTo === source,
    ),
  ];
}

function addressStep(goal: Goal, facts: RealFacts, vip: string): Step {
  const device = vipDevice(goal.method, vip);
  return {
    kind: 'address',
    device,
    address: vip,
    why: `it accepts packets for the VIP; with /${hostLength(familyOf(vip))} it adds no network route`,
    done: facts.addresses.some((address) => address.address === vip && address.device === device),
    vip,
  };
}

function masqSteps(goal: Goal, facts: RealFacts, notes: string[], faults: string[]): Step[] {
  for (const address of facts.addresses)
    if (goal.vips.includes(address.address))
      faults.push(
        `${address.address} is on ${address.device}: with masq a real server must not have the VIP; ip address del ${address.address} dev ${address.device}`,
      );
  const {gateway} = goal;
  if (gateway === undefined) {
    faults.push('masq: use --gateway ADDRESS, the (moving) address of the directors on this side');
    return [];
  }
  if (!facts.addresses.some((address) => address.device !== 'lo' && within(gateway, address)))
    faults.push(`--gateway ${gateway} is in no network of this machine`);
  notes.push('masq: clients in the real servers’ own network do not work: the answers bypass the director');
  return [
    {
      kind: 'route',
      gateway,
      why: 'answers must pass the director, which restores the VIP as their sender',
      done: facts.gateway === gateway,
    },
  ];
}

/** The step as a shell command. */
export function commandOf(step: Step): string {
  switch (step.kind) {
    case 'module':
      return `modprobe ${step.name}`;
    case 'sysctl':
      return `sysctl -w net.${step.key}=${step.value}`;
    case 'link-up':
      return `ip link set ${step.device} up`;
    case 'address':
      return `ip address add ${step.address}/${hostLength(familyOf(step.address))} dev ${step.device}`;
    case 'route':
      return `ip route replace default via ${step.gateway}`;
    case 'run':
      return step.input === undefined
        ? step.argv.join(' ')
        : `${step.argv.join(' ')} <<'END'\n${step.input}END`;
  }
}
