/** Virtual addresses on the interfaces: added, renewed, removed and announced. */
import type {Clock, Instant} from '@hactl/base';
import {openAddresses, openAnnouncer, type InterfaceAddress, type Link} from '@hactl/net';
import type {EngineVip} from '../messages.ts';

export interface VipOptions {
  readonly clock: Clock;
  readonly count: (code: string) => void;
  readonly linkOf: (vip: EngineVip) => Link | undefined;
  /** Signs an announcement, so that the peer recognises it. */
  readonly claim: (address: string, mac: string) => Buffer;
}

export type Vips = ReturnType<typeof openVips>;

const keysOf = (list: readonly InterfaceAddress[]): ReadonlySet<string> =>
  new Set(list.map(({index, address, prefixLength}) => `${index} ${address}/${prefixLength}`));

/** `leaseMs` 0: the address stays until removed. */
export function openVips({clock, count, linkOf, claim}: VipOptions) {
  const addresses = openAddresses();
  const announcer = openAnnouncer();
  /** Addresses this engine added, by interface, address and prefix → end of the lease; Infinity: no lease. */
  const assigned = new Map<string, Instant>();
  /** Addresses in the kernel, whoever added them. */
  const onInterface = new Set<string>();
  /** Permanent addresses on the interfaces that this engine did not add. */
  const foreign = new Set<string>();
  const keyOf = (vip: EngineVip): string => `${linkOf(vip)?.index} ${vip.address}/${vip.prefixLength}`;

  /** Adds the address, or renews its lease. Returns the problem, or undefined. */
  function put(vip: EngineVip, leaseMs: number): string | undefined {
    const link = linkOf(vip);
    if (!link) return `no interface ${vip.device}`;
    if (foreign.has(keyOf(vip)))
      return 'it is configured there as an ordinary address of this machine; remove it, or choose another virtual address';
    try {
      addresses.put({
        family: vip.family,
        address: vip.address,
        prefixLength: vip.prefixLength,
        index: link.index,
        ...(vip.label === undefined ? {} : {label: vip.label}),
        ...(vip.broadcast === undefined ? {} : {broadcast: vip.broadcast}),
        ...(leaseMs > 0 ? {lease: Math.ceil(leaseMs / 1_000)} : {}),
      });
      assigned.set(keyOf(vip), leaseMs > 0 ? clock.now() + leaseMs : Infinity);
      onInterface.add(keyOf(vip));
      return undefined;
    } catch (error) {
      count('address-errors');
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Removes the address. Returns the problem, or undefined; a missing address is not a problem. */
  function remove(vip: EngineVip): string | undefined {
    const link = linkOf(vip);
    const ours = assigned.delete(keyOf(vip));
    if (!link || (!ours && foreign.has(keyOf(vip)))) return undefined;
    onInterface.delete(keyOf(vip));
    try {
      const {family, address, prefixLength} = vip;
      addresses.remove({family, address, prefixLength, index: link.index});
      return undefined;
    } catch (error) {
      return (error as {code?: string}).code === 'EADDRNOTAVAIL' ? undefined : String(error);
    }
  }

  function announce(vip: EngineVip): void {
    const link = linkOf(vip);
    if (!link) return;
    const {family, address} = vip;
    const problem = announcer.announce({
      family,
      address,
      index: link.index,
      mac: link.mac,
      trailer: () => claim(address, link.mac),
    });
    count(problem === undefined ? 'announcements' : 'announcements-failed');
  }

  /** Which of these addresses are on their interfaces, according to the kernel. */
  function present(vips: readonly EngineVip[], list: readonly InterfaceAddress[]): readonly EngineVip[] {
    const onLinks = keysOf(list);
    for (const vip of vips)
      if (onLinks.has(keyOf(vip))) onInterface.add(keyOf(vip));
      else {
        onInterface.delete(keyOf(vip));
        assigned.delete(keyOf(vip));
      }
    return vips.filter((vip) => onLinks.has(keyOf(vip)));
  }

  /**
   * An address with a lease was added by an earlier engine. If leases are in use, one without belongs to the machine: it is
   * neither leased nor removed.
   */
  function noteForeign(
    vips: readonly EngineVip[],
    list: readonly InterfaceAddress[],
    leased: boolean,
  ): readonly EngineVip[] {
    const fixed = keysOf(list.filter(({validFor}) => validFor === undefined));
    foreign.clear();
    if (!leased) return [];
    const found = vips.filter((vip) => fixed.has(keyOf(vip)) && !assigned.has(keyOf(vip)));
    for (const vip of found) foreign.add(keyOf(vip));
    return found;
  }

  return {
    cannotAnnounce: announcer.problem,
    put,
    remove,
    announce,
    askWho: announcer.ask,
    present,
    noteForeign,
    list: () => addresses.list(),
    links: () => addresses.links(),
    isOnInterface: (vip: EngineVip): boolean => onInterface.has(keyOf(vip)),
    leaseLeft: (vip: EngineVip): number | undefined => {
      const until = assigned.get(keyOf(vip));
      return until === undefined || until === Infinity ? undefined : Math.max(0, until - clock.now());
    },
    close: (): void => {
      announcer.close();
      addresses.close();
    },
  };
}
