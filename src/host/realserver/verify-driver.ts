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
/** A client that cannot be anywhere (RFC 5737, RFC 3849): only the default route leads to it. */
const ELSEWHERE = {4: '198.51.100.99', 6: '2001:db8:ffff:ffff::99'} as const;
/** A port that a kernel hardly gives to anybody; the filter lets answers to it through. */
const PORT = 61_694;

interface Lan extends OwnAddress {
  readonly mac: string;
  readonly port: FramePort;
}

/** What echo requests are told by. */
type Probe =
  | {readonly kind: 'own' | 'elsewhere'; readonly real: string}
  | {readonly kind: 'vip'; readonly target: Target};

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** `wait`: how long answers are awaited in each of the three phases, in milliseconds. */
export async function probe(
  targets: readonly Target[],
  wait: number,
  identity: number,
): Promise<Observation> {
  const vips = [...new Set(targets.map(({vip}) => vip))];
  const reals = [...new Set(targets.map(({real}) => real))];
  const netlink = openAddresses();
  const links = netlink.links();
  const addresses = netlink.list();
  netlink.close();
  const mine = new Set(addresses.map(({address}) => address));
  const held = new Set(
    addresses.flatMap(({address, index}) =>
      links.some((link) => link.index === index && link.name !== 'lo') ? [address] : [],
    ),
  );
  const claims = new Map<string, Set<string>>();
  const answered = new Set<string>();
  const taken = new Set<string>();
  const probes: Probe[] = [];

  const claim = (address: string, mac: string): void =>
    void claims.set(address, (claims.get(address) ?? new Set()).add(mac));
  function heard(frame: Buffer): void {
    const arp = decodeArp(frame);
    if (arp.ok) {
      const {operation, spa, sha} = arp.value;
      if (operation === 'reply') claim(spa, sha);
      return;
    }
    const advertisement = readAdvertisement(frame);
    if (advertisement) return claim(advertisement.target, advertisement.mac);
    const answer = readAnswer(frame);
    if (!answer) return;
    const from = (mac: string): boolean => answer.mac === mac;
    if (answer.kind === 'tcp') {
      for (const target of targets)
        if (answer.from === target.vip && answer.fromPort === target.port && from(macOf(target.real) ?? ''))
          taken.add(pairKey(target));
      return;
    }
    const known = answer.identity === identity ? probes[answer.sequence] : undefined;
    if (known?.kind === 'vip') {
      if (answer.from === known.target.vip && from(macOf(known.target.real) ?? ''))
        taken.add(pairKey(known.target));
    } else if (known && answer.from === known.real) answered.add(`${known.kind} ${known.real}`);
  }
  const macOf = (real: string): string | undefined => [...(claims.get(real) ?? [])][0];

  const lans: Lan[] = [];
  try {
    for (const {family, address, prefixLength, index} of addresses) {
      const link = links.find((link) => link.index === index);
      // A VIP that is held here is no sender for a probe.
      if (!link?.up || link.name === 'lo' || vips.includes(address) || link.mac === '') continue;
      if (![...vips, ...reals].some((vip) => within(vip, {family, address, prefixLength}))) continue;
      const port = openFramePort(index, PORT, heard);
      lans.push({family, address, prefixLength, device: link.name, mac: link.mac, port});
    }
    const lanOf = (address: string): Lan | undefined => lans.find((lan) => within(address, lan));
    const rounds = async (work: () => void): Promise<void> => {
      for (let round = 0; round < ROUNDS; round += 1) {
        work();
        // oxlint-disable-next-line no-await-in-loop -- rounds, one after another.
        await pause(wait / ROUNDS);
      }
    };
    await rounds(() => {
      for (const tpa of [...vips, ...reals]) {
        const lan = lanOf(tpa);
        lan?.port.send(
          lan.family === 6
            ? solicitationFrame({mac: lan.mac, from: lan.address, target: tpa})
            : encodeArp({operation: 'request', sha: lan.mac, spa: lan.address, tha: NOBODY, tpa}),
        );
      }
    });

    const echo = (one: Probe, real: string, from: string, to: string, tunnel: boolean): void => {
      const [lan, mac] = [lanOf(real), macOf(real)];
      if (!lan || mac === undefined) return;
      const sequence = probes.push(one) - 1;
      const packet = echoPacket({from, to, identity, sequence});
      lan.port.send(ethernetFrame(lan.mac, mac, tunnel ? tunnelled(lan.address, real, packet) : packet));
    };
    await rounds(() => {
      for (const target of targets) {
        const own = lanOf(target.real)?.address;
        if (own !== undefined)
          echo({kind: 'vip', target}, target.real, own, target.vip, target.method === 'ipip');
      }
      for (const real of reals) {
        const own = lanOf(real)?.address;
        if (own === undefined) continue;
        echo({kind: 'own', real}, real, own, real, false);
        if (targets.some((target) => target.real === real && target.method === 'masq'))
          echo({kind: 'elsewhere', real}, real, ELSEWHERE[familyOf(real)], real, false);
      }
    });

    const silent = targets.filter(
      (target) => target.method !== 'masq' && target.port > 0 && !taken.has(pairKey(target)),
    );
    if (silent.length > 0)
      await rounds(() => {
        for (const {real, vip, port, method} of silent) {
          const [lan, mac] = [lanOf(real), macOf(real)];
          if (!lan || mac === undefined) continue;
          const syn = synPacket({
            from: lan.address,
            to: vip,
            fromPort: PORT,
            toPort: port,
            sequence: identity,
          });
          const packet = method === 'ipip' ? tunnelled(lan.address, real, syn) : syn;
          lan.port.send(ethernetFrame(lan.mac, mac, packet));
        }
      });

    return {
      vips: vips.map((vip) => ({
        vip,
        held: held.has(vip),
        asked: lanOf(vip) !== undefined,
        claims: [...(claims.get(vip) ?? [])],
      })),
      reals: reals.map((real) => {
        const mac = macOf(real);
        return {
          real,
          local: mine.has(real),
          onLink: lanOf(real) !== undefined,
          ...(mac === undefined ? {} : {mac}),
          answers: answered.has(`own ${real}`),
          returned: answered.has(`elsewhere ${real}`),
        };
      }),
      taken,
    };
  } finally {
    for (const lan of lans) lan.port.close();
  }
}
