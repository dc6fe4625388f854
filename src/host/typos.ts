/** Detects addresses that look like typos: the tutorials have several. Pure. */
import type {ClusterConfig, Vip} from '@hactl/config';
import {found, type HostFinding} from './finding.ts';
import {broadcastOf, familyOf, networkText, within, type OwnAddress} from './networks.ts';

/** The input of the detectors. */
export interface AddressFacts {
  readonly addresses: readonly OwnAddress[];
  readonly links: readonly string[];
}

/** One character inserted, deleted or replaced, or two neighbours swapped. */
export function isSingleTypo(left: string, right: string): boolean {
  if (left === right || Math.abs(left.length - right.length) > 1) return false;
  let at = 0;
  while (at < Math.min(left.length, right.length) && left[at] === right[at]) at += 1;
  const [a, b] = [left.slice(at), right.slice(at)];
  return (
    a.slice(1) === b || a === b.slice(1) || a.slice(1) === b.slice(1) ||
    (a.length > 1 && a[0] === b[1] && a[1] === b[0] && a.slice(2) === b.slice(2))
  ); // prettier-ignore
}

/** The intended address, if a single typo in the network part explains it: 192.168.12.10 in 192.168.122.0/24. */
export function meantAddress(address: string, networks: readonly OwnAddress[]): string | undefined {
  if (familyOf(address) !== 4) return undefined;
  const written = address.split('.');
  for (const network of networks.filter(({family, device}) => family === 4 && device !== 'lo')) {
    const right = network.address.split('.');
    const wrong = written.flatMap((piece, at) =>
      at * 8 < network.prefixLength && piece !== right[at] ? [at] : [],
    );
    const [at] = wrong;
    if (wrong.length !== 1 || at === undefined || !isSingleTypo(written[at] ?? '', right[at] ?? '')) continue;
    const meant = written.with(at, right[at] ?? '').join('.');
    if (within(meant, network)) return meant;
  }
  return undefined;
}

/** Every address of the files. */
export function addressFindings(cluster: ClusterConfig, facts: AddressFacts): HostFinding[] {
  const vips = cluster.haresources.groups.flatMap((group) => group.resources.flatMap(({vip}) => vip ?? []));
  return [
    ...vips.flatMap((vip) => vipFindings(vip, facts)),
    ...virtualFindings(cluster, vips),
    ...realFindings(cluster, facts),
    ...mediaFindings(cluster, facts),
  ];
}

function vipFindings(vip: Vip, facts: AddressFacts): HostFinding[] {
  const {address, device, prefixLength, broadcast, family} = vip;
  const subject = address;
  const outside = facts.addresses.filter((local) => local.device !== 'lo' && local.address !== address);
  const home = outside.find((local) => within(address, local));
  const results: HostFinding[] = [];
  const bad = (text: string, help: string): void => void results.push(found('bad', subject, text, help));
  if (device !== undefined && !facts.links.includes(device))
    bad(
      `there is no interface ${device}`,
      home
        ? `${home.device} has the network of ${address}: did you mean it?`
        : 'ip link lists the interfaces',
    );
  else if (device !== undefined && home !== undefined && home.device !== device)
    bad(
      `${address} is configured on ${vip.label ?? device}, but its network is on ${home.device} (${networkText(home)})`,
      `write ${home.device}${vip.label === undefined ? '' : `:${vip.label.split(':')[1]}`}`,
    );
  else if (home === undefined) {
    const meant = meantAddress(address, outside);
    results.push(
      found(
        meant === undefined ? 'warning' : 'bad',
        subject,
        `${address} is in no network of this machine (${outside.filter((address) => address.family === family).map(networkText).join(', ')})`,
        meant === undefined
          ? 'correct if a router routes the address to this machine; otherwise a mistake'
          : `did you mean ${meant}?`,
      ),
    ); // prettier-ignore
  }
  if (
    broadcast !== undefined &&
    prefixLength !== undefined &&
    broadcast !== broadcastOf(address, prefixLength)
  )
    bad(
      `${address}/${prefixLength} has the broadcast address ${broadcastOf(address, prefixLength)}, not ${broadcast}`,
      'netmask and broadcast contradict each other: remove the broadcast, or correct the mask',
    );
  if (
    home &&
    prefixLength !== undefined &&
    prefixLength !== home.prefixLength &&
    prefixLength < (family === 4 ? 32 : 128)
  )
    results.push(
      found(
        'warning',
        subject,
        `${address}/${prefixLength}, but ${home.device} is in ${networkText(home)}`,
        `write /${home.prefixLength}, or /${family === 4 ? 32 : 128} for only the address`,
      ),
    );
  if (results.length === 0)
    results.push(found('good', subject, home ? `in the network of ${home.device}` : 'as written'));
  return results;
}

/** A virtual service whose address is one typo away from a VIP. */
function virtualFindings(cluster: ClusterConfig, vips: readonly Vip[]): HostFinding[] {
  const known = new Set(vips.map(({address}) => address));
  const written = new Set(
    cluster.ldirectord
      .flatMap((file) => file.virtuals)
      .flatMap(({address}) => (address.kind === 'address' ? [address.address] : [])),
  );
  return [...written].flatMap((address) => {
    const near = known.has(address) ? undefined : [...known].find((vip) => isSingleTypo(vip, address));
    return near === undefined
      ? []
      : [found('bad', address, `a virtual service has ${address}, which no line of haresources has`, `did you mean ${near}?`)]; // prettier-ignore
  });
}

/** Direct routing reaches a real server only on a local segment. */
function realFindings(cluster: ClusterConfig, {addresses}: AddressFacts): HostFinding[] {
  const gate = cluster.ldirectord
    .flatMap((file) => file.virtuals)
    .flatMap(({reals}) => reals.flatMap((real) => (real.method === 'gate' ? [real.address] : [])));
  const outside = addresses.filter((address) => address.device !== 'lo');
  return [...new Set(gate)]
    .filter((real) => !addresses.some((address) => address.address === real || within(real, address)))
    .map((real) => {
      const meant = meantAddress(real, outside);
      return found(
        'bad',
        real,
        `the real server ${real} (gate) is in no network of this machine`,
        meant === undefined
          ? 'gate needs it on the same segment: use ipip, or masq'
          : `did you mean ${meant}?`,
      );
    });
}

/** Heartbeat paths that cannot work from here. */
function mediaFindings(cluster: ClusterConfig, facts: AddressFacts): HostFinding[] {
  return (cluster.ha?.media ?? []).flatMap((medium) => {
    const subject = `${medium.kind} ${medium.device}`;
    if (!facts.links.includes(medium.device))
      return [
        found('bad', subject, `there is no interface ${medium.device}`, 'ip link lists the interfaces'),
      ];
    if (medium.kind !== 'ucast' || medium.peer.startsWith('fe80')) return [];
    if (facts.addresses.some(({address}) => address === medium.peer)) return [];
    const on = facts.addresses.find((address) => within(medium.peer, address));
    if (on && on.device !== medium.device)
      return [
        found('bad', subject, `${medium.peer} is in the network of ${on.device}`, `write ucast ${on.device} ${medium.peer}`),
      ]; // prettier-ignore
    const meant = on ? undefined : meantAddress(medium.peer, facts.addresses);
    return meant === undefined
      ? []
      : [found('bad', subject, `${medium.peer} is in no network of this machine`, `did you mean ${meant}?`)];
  });
}
