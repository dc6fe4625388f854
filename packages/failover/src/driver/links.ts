/** What the kernel and the LAN report about our interfaces and addresses: links, carriers, addresses, others' claims. */
import {
  decodeArp,
  decodeNa,
  openArpWatch,
  openNaWatch,
  watchNetlink,
  type Link,
  type Watch,
} from '@hactl/net';
import type {EngineVip} from '../messages.ts';
import type {Shared} from './current.ts';
import type {Vips} from './vips.ts';

export interface LinkOptions {
  readonly shared: Shared;
  readonly vips: Vips;
  /** Identifies the sender of a claim. */
  readonly judge: (
    address: string,
    mac: string,
    trailer: Uint8Array | undefined,
  ) => 'peer' | 'peer-alive' | 'stranger';
  /** The sender of an ARP reply to this machine. */
  readonly answered: (address: string) => void;
  /** Interfaces may have appeared or disappeared. */
  readonly changed: (links: readonly Link[]) => void;
}

const deviceProblem = (device: string, link: Link | undefined): string | undefined => {
  if (!link) return `no interface ${device}`;
  if (!link.up) return `${device} is down`;
  return link.running ? undefined : `${device} has no carrier`;
};

/** A different interface with the same name, or a changed hardware address. */
function isOther(before: readonly Link[], after: readonly Link[], device: string): boolean {
  const [old, now] = [before, after].map((links) => links.find(({name}) => name === device));
  return old !== undefined && now !== undefined && (old.index !== now.index || old.mac !== now.mac);
}

/**
 * Whether a claim of an address on `link` is another host's. `index`: where it was heard; 0: the kernel does not say. The hardware
 * address of another link of ours proves nothing: a forged claim with it leads the clients astray all the same.
 */
export const isForeignClaim = (link: Link | undefined, index: number, mac: string): boolean =>
  link?.mac !== mac && (index === 0 || link?.index === index);

/** `table` holds the current links; it is shared with the parts that send. */
export function watchLinks(
  table: {links: readonly Link[]},
  {shared, vips, judge, answered, changed}: LinkOptions,
) {
  const {current, count, feed} = shared;
  const allVips = (): EngineVip[] => current.config.groups.flatMap((group) => group.vips);
  const linkOf = (vip: EngineVip): Link | undefined => table.links.find((link) => link.name === vip.device);
  const reported = new Set<string>();

  /** Reads everything again, and feeds the changes. */
  function refresh(): void {
    const before = table.links;
    table.links = vips.links();
    changed(table.links);
    const devices = [...allVips(), ...current.config.paths].map(({device}) => device);
    for (const device of new Set(devices)) {
      const problem = deviceProblem(
        device,
        table.links.find((link) => link.name === device),
      );
      feed(problem === undefined ? {type: 'device', device} : {type: 'device', device, problem});
    }
    for (const device of new Set(allVips().map((vip) => vip.device)))
      if (isOther(before, table.links, device)) feed({type: 'link-changed', device});
    const list = vips.list();
    for (const group of current.config.groups) {
      const role = current.state.groups.find(({vrid}) => vrid === group.vrid)?.role;
      const found = vips.present(group.vips, list);
      if (role === 'Active' && found.length < group.vips.length)
        feed({type: 'address-gone', vrid: group.vrid});
    }
    tellForeign();
  }

  function tellForeign(): void {
    const found = vips.noteForeign(allVips(), vips.list(), current.config.vipLease > 0);
    for (const {address, device} of found) {
      if (reported.has(address)) continue;
      reported.add(address);
      shared.send({
        type: 'event',
        level: 'error',
        code: 'address-not-ours',
        message: `${address} is configured on ${device} as an ordinary address of this machine: as a virtual address it would be on both directors; remove it there, or choose another`,
      });
    }
    for (const address of reported)
      if (!found.some((vip) => vip.address === address)) reported.delete(address);
  }

  /** Addresses that an earlier engine left. */
  function adopt(): void {
    tellForeign();
    const list = vips.list();
    for (const group of current.config.groups) {
      const found = vips.present(group.vips, list).filter((vip) => !reported.has(vip.address));
      if (found.length > 0)
        feed({type: 'found-address', vrid: group.vrid, addresses: found.map(({address}) => address)});
    }
  }

  /** Another machine's claim of one of our addresses. */
  function claimed(index: number, address: string, mac: string, trailer: Uint8Array | undefined): void {
    for (const group of current.config.groups)
      for (const vip of group.vips) {
        if (vip.address !== address || !isForeignClaim(linkOf(vip), index, mac)) continue;
        count('foreign-claims');
        const claimant = judge(address, mac, trailer);
        feed({type: 'conflict', vrid: group.vrid, address, claimant, from: `${mac} on ${vip.device}`});
      }
  }

  const netlink = watchNetlink(refresh);
  let arp: Watch | undefined;
  try {
    arp = openArpWatch((index, frame) => {
      const decoded = decodeArp(frame);
      if (!decoded.ok) return;
      if (decoded.value.operation === 'reply') answered(decoded.value.spa);
      claimed(index, decoded.value.spa, decoded.value.sha, decoded.value.trailer);
    });
  } catch (error) {
    const message = `claims of addresses are not heard (CAP_NET_RAW is missing?): ${String(error)}`;
    shared.send({type: 'event', level: 'error', code: 'deaf-to-claims', message});
  }
  const neighbours = openNaWatch((index, message) => {
    const decoded = decodeNa(message);
    if (decoded) claimed(index, decoded.target, decoded.mac, decoded.trailer);
  });

  return {
    refresh,
    adopt,
    /** Tracked interfaces that are down. */
    trackedDown: (): number =>
      current.config.trackInterfaces.filter(
        (name) => !table.links.some((link) => link.name === name && link.up && link.running),
      ).length,
    stop: (): void => {
      netlink.stop();
      arp?.stop();
      neighbours.stop();
    },
  };
}
