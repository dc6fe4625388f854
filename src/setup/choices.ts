/** The options of `hactl init`: a person's input becomes a plan, or a list of all errors. Pure. */
import {isIP, isIPv4} from 'node:net';
import {fail, ok, type Result} from '@hactl/base';

export const methods = ['gate', 'masq', 'ipip'] as const;
export type Method = (typeof methods)[number];

/** As typed, in an option or at a prompt. */
export interface Choices {
  readonly node: string;
  /** undefined: not given; empty: there is none. */
  readonly peer?: string;
  readonly vips: readonly string[];
  readonly services: readonly string[];
  readonly servers: readonly string[];
  readonly method?: string;
  /** masq: the moving address that is the real servers' default route. undefined: not given; empty: there is none. */
  readonly gateway?: string;
  /** Heartbeat interfaces; empty: chosen from what this machine has. */
  readonly devices: readonly string[];
}

/** An address of this machine, as the system lists it. */
export interface LocalAddress {
  readonly device: string;
  readonly address: string;
  readonly prefixLength: number;
  readonly internal: boolean;
}

export interface PlannedVip {
  readonly address: string;
  readonly prefixLength: number;
  readonly device: string;
}

export interface PlannedService {
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
}

export interface PlannedServer {
  readonly address: string;
  /** 0: the port of the service. */
  readonly port: number;
}

export interface PairPlan {
  readonly node: string;
  /** undefined: a single director. */
  readonly peer?: string;
  readonly vips: readonly PlannedVip[];
  readonly services: readonly PlannedService[];
  readonly servers: readonly PlannedServer[];
  readonly method: Method;
  /** masq: moves with the virtual addresses, and has no service. */
  readonly gateway?: PlannedVip;
  /** In the order of the heartbeat paths. */
  readonly devices: readonly string[];
}

/** A wrong or missing value, with its option. */
export interface ChoiceProblem {
  readonly option: string;
  readonly text: string;
}

/** Devices of containers, bridges of virtual machines and tunnels: no peer is behind them. */
const VIRTUAL = /^(lo|docker|br-|veth|virbr|cni|flannel|cali|tun|tap|wg|dummy|kube|vnet)/;

const bits = (address: string): bigint => {
  if (isIPv4(address)) return address.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
  // The URL parser writes every IPv6 address in one way.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const words = (text = ''): string[] => text.split(':').filter((word) => word !== '');
  const [front, back] = [words(head), words(tail)];
  const all = [...front, ...Array<string>(8 - front.length - back.length).fill('0'), ...back];
  return all.reduce((sum, word) => (sum << 16n) | BigInt(`0x${word}`), 0n);
};

/** Whether `address` is in the network of `local`. */
export function isInNetwork(address: string, local: Pick<LocalAddress, 'address' | 'prefixLength'>): boolean {
  if (isIP(address) === 0 || isIP(address) !== isIP(local.address)) return false;
  const host = BigInt((isIPv4(address) ? 32 : 128) - local.prefixLength);
  return bits(address) >> host === bits(local.address) >> host;
}

const canBePath = ({device, internal, address}: LocalAddress): boolean =>
  !internal && !VIRTUAL.test(device) && isIPv4(address);

/** The default heartbeat interfaces: that of the first VIP, and a second one if available. */
export function suggestDevices(vips: readonly PlannedVip[], machine: readonly LocalAddress[]): string[] {
  const candidates = [...new Set(machine.filter(canBePath).map(({device}) => device))];
  const [vip] = vips;
  const ofVip = candidates.filter((device) => device === vip?.device);
  return [...ofVip, ...candidates.filter((device) => !ofVip.includes(device))].slice(0, 2);
}

/** Parses the input; reports all errors at once. */
export function planPair(
  choices: Choices,
  machine: readonly LocalAddress[],
): Result<PairPlan, readonly ChoiceProblem[]> {
  const problems: ChoiceProblem[] = [];
  const wrong = (option: string, text: string): undefined => {
    problems.push({option, text});
    return undefined;
  };
  const node = readNode('--node', choices.node, wrong);
  const peer = readPeer(choices, wrong);
  const vips = choices.vips.flatMap((text) => readVip('--vip', text, machine, wrong) ?? []);
  if (choices.vips.length === 0) wrong('--vip', 'missing: the address that clients use, as 192.0.2.100/24');
  for (const {address} of vips)
    if (vips.filter((vip) => vip.address === address).length > 1) {
      wrong('--vip', `${address} is given twice`);
      break;
    }
  const services = choices.services.flatMap((text) => readService(text, wrong) ?? []);
  if (choices.services.length === 0) wrong('--service', 'missing: a port, as 80, 443 or 53/udp');
  const servers = choices.servers.flatMap((text) => readServer(text, wrong) ?? []);
  if (choices.servers.length === 0)
    wrong('--server', 'missing: a real server, as 192.0.2.11 or 192.0.2.11:8080');
  for (const {address} of servers)
    if (vips.some((vip) => vip.address === address)) wrong('--server', `${address} is the virtual address`);
  const families = new Set([...vips, ...servers].map(({address}) => isIP(address)));
  if (families.size > 1)
    wrong('--server', 'virtual addresses and real servers are of one family here; mix them in ldirectord.cf');
  const method = methods.find((method) => method === (choices.method ?? 'gate'));
  if (!method) wrong('--method', `"${choices.method ?? ''}" is none of ${methods.join(', ')}`);
  if (method !== undefined && method !== 'masq')
    for (const {address, port} of servers)
      if (port !== 0 && services.some((service) => service.port !== port))
        wrong('--server', `${address}:${port}: ${method} cannot change the port; --method masq can`);
  const gateway = readGateway(choices, {vips, servers}, machine, wrong);
  const devices = readDevices(choices.devices, peer, vips, machine, wrong);
  if (problems.length > 0 || node === undefined || !method) return fail(problems);
  return ok({
    node,
    ...(peer ? {peer} : {}),
    vips,
    services,
    servers,
    method,
    ...(gateway ? {gateway} : {}),
    devices,
  });
}

type Wrong = (option: string, text: string) => undefined;

const readNode = (option: string, text: string, wrong: Wrong): string | undefined =>
  /^[a-z0-9]([\w.-]{0,62}[a-z0-9])?$/i.test(text)
    ? text.toLowerCase()
    : wrong(option, `"${text}" is not a machine name (what uname -n prints there)`);

function readPeer({node, peer}: Choices, wrong: Wrong): string | undefined {
  if (peer === undefined)
    return wrong(
      '--peer',
      'missing: the name of the second director, as uname -n prints it there (--alone: none)',
    );
  if (peer === '') return undefined;
  if (peer.toLowerCase() === node.toLowerCase())
    return wrong('--peer', `${peer} is this machine: the second director needs a name of its own`);
  return readNode('--peer', peer, wrong);
}

function readVip(
  option: '--vip' | '--gateway',
  text: string,
  machine: readonly LocalAddress[],
  wrong: Wrong,
): PlannedVip | undefined {
  const [, address = '', prefix, device] = /^([^/]*)(?:\/(\d+))?(?:\/([\w.:@-]+))?$/.exec(text) ?? [];
  const family = isIP(address);
  if (family === 0)
    return wrong(option, `"${text}" is not an address: ADDRESS, ADDRESS/24 or ADDRESS/24/eth0`);
  if (machine.some((local) => local.address === address && !(local.prefixLength === 32 && local.internal)))
    return wrong(
      option,
      `${address} is this machine's own address: an address that moves is another one of that network`,
    );
  const network = machine.find(
    (local) => isInNetwork(address, local) && (device === undefined || local.device === device),
  );
  const length = prefix === undefined ? network?.prefixLength : Number(prefix);
  if (length !== undefined && (length > (family === 4 ? 32 : 128) || length === 0))
    return wrong(option, `${text}: /${length} is not a prefix length for this address family`);
  const via = device ?? network?.device;
  if (via === undefined)
    return wrong(
      option,
      `${address} is in no network of this machine: ${address}/24/eth0 says its interface`,
    );
  if (!machine.some((local) => local.device === via))
    return wrong(option, `${text}: there is no interface ${via} with an address`);
  if (length === undefined)
    return wrong(option, `${text}: its prefix length is missing: ${address}/24/${via}`);
  return {address, prefixLength: length, device: via};
}

/** The moving address on the real servers' side. Their answers must pass the director, wherever it is. */
function readGateway(
  {method, gateway}: Choices,
  {vips, servers}: Pick<PairPlan, 'vips' | 'servers'>,
  machine: readonly LocalAddress[],
  wrong: Wrong,
): PlannedVip | undefined {
  if (gateway === undefined || gateway === '') return undefined;
  if (method !== 'masq')
    return wrong(
      '--gateway',
      `only real servers of --method masq answer through the director; ${method ?? 'gate'} has none`,
    );
  const planned = readVip('--gateway', gateway, machine, wrong);
  if (planned === undefined) return undefined;
  if ([...vips, ...servers].some(({address}) => address === planned.address))
    return wrong('--gateway', `${planned.address} is a virtual address or a real server`);
  const outside = servers.find(({address}) => !isInNetwork(address, planned));
  if (outside)
    return wrong(
      '--gateway',
      `the real server ${outside.address} is not in its network, ${planned.address}/${planned.prefixLength}`,
    );
  return planned;
}

function readService(text: string, wrong: Wrong): PlannedService | undefined {
  const [, port = '', protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp))?$/.exec(text) ?? [];
  const number = Number(port);
  if (number < 1 || number > 65_535)
    return wrong('--service', `"${text}" is not a port: 80, 443 or 53/udp was expected`);
  return {port: number, protocol: protocol === 'udp' ? 'udp' : 'tcp'};
}

function readServer(text: string, wrong: Wrong): PlannedServer | undefined {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? text;
  const number = port === undefined ? 0 : Number(port);
  if (isIP(address) === 0 || number > 65_535 || (port !== undefined && number === 0))
    return wrong(
      '--server',
      `"${text}" is not an address: ADDRESS or ADDRESS:PORT ([ADDRESS]:PORT for IPv6)`,
    );
  return {address, port: number};
}

function readDevices(
  wanted: readonly string[],
  peer: string | undefined,
  vips: readonly PlannedVip[],
  machine: readonly LocalAddress[],
  wrong: Wrong,
): readonly string[] {
  if (wanted.length === 0) {
    const found = suggestDevices(vips, machine);
    if (peer !== undefined && found.length === 0)
      wrong('--device', 'missing: the interface for heartbeats; this machine has none with an IPv4 address');
    return found;
  }
  for (const device of wanted)
    if (!machine.some((local) => local.device === device && isIPv4(local.address)))
      wrong('--device', `there is no interface ${device} with an IPv4 address`);
  return [...new Set(wanted)];
}
