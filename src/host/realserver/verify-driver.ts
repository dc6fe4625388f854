/** Probes of the real servers from the director: ARP requests and neighbour solicitations, and packets for the VIP to their hardware addresses. Root. */
import {
  decodeArp,
  echoPacket,
  encodeArp,
  ethernetFrame,
  openAddresses,
  openFramePort,
  readAdvertisement,
  readAnswer,
  solicitationFrame,
  synPacket,
  tunnelled,
  type FramePort,
} from '@hactl/net';
import {familyOf, within, type OwnAddress} from '../networks.ts';
import {pairKey, type Observation, type Target} from './verify-judge.ts';

const ROUNDS = 3;
const NOBODY = '00:00:00:00:00:00';
/** A documentation address as client (RFC 5737, RFC 3849): only the default route leads to it. */
const ELSEWHERE = {4: '198.51.100.99', 6: '2001:db8:ffff:ffff::99'} as const;
/** A port that kernels rarely assign; the filter accepts answers to it. */
const PORT = 61_694;

interface Lan extends OwnAddress {
  readonly mac: string;
  readonly port: FramePort;
}

/** The target of an echo request. */
type Echo =
  | {readonly kind: 'own' | 'elsewhere'; readonly real: string}
  | {readonly kind: 'vip'; readonly target: Target};

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** The answers received so far. */
interface Heard {
  /** Hardware addresses, by the address they answered for. */
  readonly macs: Map<string, Set<string>>;
  /** `own ADDRESS` and `elsewhere ADDRESS` of real servers that answered an echo request. */
  readonly answered: Set<string>;
  /** Pairs of VIP and real server whose real server accepted a packet for the VIP. */
  readonly taken: Set<string>;
  /** Echo requests by their sequence number. */
  readonly echoes: Echo[];
}

const macOf = ({macs}: Heard, address: string): string | undefined => [...(macs.get(address) ?? [])][0];

/** Records the answer in a frame; ignores frames that answer none of the probes. */
function onFrame(heard: Heard, targets: readonly Target[], identity: number, frame: Buffer): void {
  const addMac = (address: string, mac: string): void =>
    void heard.macs.set(address, (heard.macs.get(address) ?? new Set()).add(mac));
  const arp = decodeArp(frame);
  if (arp.ok) {
    const {operation, spa, sha} = arp.value;
    if (operation === 'reply') addMac(spa, sha);
    return;
  }
  const advertisement = readAdvertisement(frame);
  if (advertisement) return addMac(advertisement.target, advertisement.mac);
  const answer = readAnswer(frame);
  if (!answer) return;
  const isFrom = ({vip, real}: Target): boolean => answer.from === vip && answer.mac === macOf(heard, real);
  if (answer.kind === 'tcp') {
    for (const target of targets)
      if (answer.fromPort === target.port && isFrom(target)) heard.taken.add(pairKey(target));
    return;
  }
  const echo = answer.identity === identity ? heard.echoes[answer.sequence] : undefined;
  if (echo?.kind === 'vip') {
    if (isFrom(echo.target)) heard.taken.add(pairKey(echo.target));
  } else if (echo && answer.from === echo.real) heard.answered.add(`${echo.kind} ${echo.real}`);
}

/** This machine's addresses, and those of them that are on an interface other than lo. */
function ownAddresses() {
  const netlink = openAddresses();
  const links = netlink.links();
  const addresses = netlink.list();
  netlink.close();
  const assigned = addresses.filter(({index}) =>
    links.some((link) => link.index === index && link.name !== 'lo'),
  );
  return {
    links,
    addresses,
    all: new Set(addresses.map(({address}) => address)),
    assigned: new Set(assigned.map(({address}) => address)),
  };
}

/** A port on each network that a VIP or a real server is in. A local VIP is not used as the sender of a probe. */
function openLans(
  {links, addresses}: ReturnType<typeof ownAddresses>,
  vips: readonly string[],
  wanted: readonly string[],
  onFrame: (frame: Buffer) => void,
  lans: Lan[],
): void {
  for (const {family, address, prefixLength, index} of addresses) {
    const link = links.find((link) => link.index === index);
    if (!link?.up || link.name === 'lo' || vips.includes(address) || link.mac === '') continue;
    if (!wanted.some((target) => within(target, {family, address, prefixLength}))) continue;
    const port = openFramePort(index, PORT, onFrame);
    lans.push({family, address, prefixLength, device: link.name, mac: link.mac, port});
  }
}

/** Asks for the hardware addresses. */
function resolveAll(addresses: readonly string[], lanOf: (address: string) => Lan | undefined): void {
  for (const tpa of addresses) {
    const lan = lanOf(tpa);
    lan?.port.send(
      lan.family === 6
        ? solicitationFrame({mac: lan.mac, from: lan.address, target: tpa})
        : encodeArp({operation: 'request', sha: lan.mac, spa: lan.address, tha: NOBODY, tpa}),
    );
  }
}

/** `wait`: time to wait for answers in each of the three phases, in milliseconds. */
export async function probe(
  targets: readonly Target[],
  wait: number,
  identity: number,
): Promise<Observation> {
  const vips = [...new Set(targets.map(({vip}) => vip))];
  const reals = [...new Set(targets.map(({real}) => real))];
  const localAddresses = ownAddresses();
  const heard: Heard = {macs: new Map(), answered: new Set(), taken: new Set(), echoes: []};
  const lans: Lan[] = [];
  const lanOf = (address: string): Lan | undefined => lans.find((lan) => within(address, lan));
  const rounds = async (work: () => void): Promise<void> => {
    for (let round = 0; round < ROUNDS; round += 1) {
      work();
      // oxlint-disable-next-line no-await-in-loop -- rounds, one after another.
      await pause(wait / ROUNDS);
    }
  };
  /** Sends a packet to the hardware address of a real server, if known. */
  const sendTo = (real: string, tunnel: boolean, packetFrom: (lan: Lan) => Buffer): void => {
    const [lan, mac] = [lanOf(real), macOf(heard, real)];
    if (!lan || mac === undefined) return;
    const packet = packetFrom(lan);
    lan.port.send(ethernetFrame(lan.mac, mac, tunnel ? tunnelled(lan.address, real, packet) : packet));
  };
  const sendEcho = (echo: Echo, real: string, to: string, tunnel = false): void =>
    sendTo(real, tunnel, ({address}) => {
      const from = echo.kind === 'elsewhere' ? ELSEWHERE[familyOf(real)] : address;
      return echoPacket({from, to, identity, sequence: heard.echoes.push(echo) - 1});
    });
  const echoAll = (): void => {
    for (const target of targets)
      sendEcho({kind: 'vip', target}, target.real, target.vip, target.method === 'ipip');
    for (const real of reals) {
      sendEcho({kind: 'own', real}, real, real);
      if (targets.some((target) => target.real === real && target.method === 'masq'))
        sendEcho({kind: 'elsewhere', real}, real, real);
    }
  };
  const connectAll = (silent: readonly Target[]): void => {
    for (const {real, vip, port, method} of silent)
      sendTo(real, method === 'ipip', ({address}) =>
        synPacket({from: address, to: vip, fromPort: PORT, toPort: port, sequence: identity}),
      );
  };

  try {
    openLans(
      localAddresses,
      vips,
      [...vips, ...reals],
      (frame) => onFrame(heard, targets, identity, frame),
      lans,
    );
    await rounds(() => resolveAll([...vips, ...reals], lanOf));
    await rounds(echoAll);
    const silent = targets.filter(
      (target) => target.method !== 'masq' && target.port > 0 && !heard.taken.has(pairKey(target)),
    );
    if (silent.length > 0) await rounds(() => connectAll(silent));
    return {
      vips: vips.map((vip) => ({
        vip,
        assigned: localAddresses.assigned.has(vip),
        asked: lanOf(vip) !== undefined,
        claims: [...(heard.macs.get(vip) ?? [])],
      })),
      reals: reals.map((real) => {
        const mac = macOf(heard, real);
        return {
          real,
          local: localAddresses.all.has(real),
          onLink: lanOf(real) !== undefined,
          ...(mac === undefined ? {} : {mac}),
          answers: heard.answered.has(`own ${real}`),
          returned: heard.answered.has(`elsewhere ${real}`),
        };
      }),
      taken: heard.taken,
    };
  } finally {
    for (const lan of lans) lan.port.close();
  }
}
