/** What a change of the console adds to haresources, and to which group. Pure. */
import type {FileEdit, Group} from './api.ts';

const baseOf = (file: string): string => file.split('/').at(-1) ?? file;

/** IPv6 addresses have many spellings. */
const plain = (address: string): string =>
  (address.includes(':') ? URL.parse(`http://[${address}]`)?.hostname.slice(1, -1) : address) ?? address;

/** `10.0.0.1:80` and `[2001:db8::1]:80` without their port; a firewall mark has no address. */
export function addressOf(virtual: string): string {
  const written = virtual.trim();
  if (/^\d*$/.test(written)) return '';
  return written.replace(/:[^:\]]*$/, '').replace(/^\[|\]$/g, '');
}

export const isHeld = (groups: readonly Group[], address: string): boolean =>
  groups.some(({addresses}) => addresses.some((held) => plain(held) === plain(address)));

const addedTo = (group: Group | undefined, node: string, word: string): FileEdit =>
  group ? {kind: 'resource', node: group.node, word, beside: group.name} : {kind: 'resource', node, word};

const ofNode = (groups: readonly Group[], node: string): Group | undefined =>
  groups.find((group) => group.node === node.toLowerCase());

/** What is missing for the sync of connections: nothing where some group has it, or where there is no line for it. */
export function syncResource(groups: readonly Group[], node: string): FileEdit[] {
  if (groups.some(({sync}) => sync)) return [];
  const group = groups.find(({services}) => services.length > 0) ?? ofNode(groups, node) ?? groups[0];
  return group || node !== '' ? [addedTo(group, node, 'LVSSyncDaemonSwap::master')] : [];
}

/** What a new service needs: its address beside the services of its file, those on the preferred director if they are new. */
export function resourcesFor(service: {
  readonly virtual: string;
  /** `MASK/DEVICE`; empty: by the route. */
  readonly device: string;
  readonly file: string;
  /** The first director. */
  readonly node: string;
  readonly groups: readonly Group[];
  /** Are connections to be synchronised? */
  readonly sync: boolean;
}): FileEdit[] {
  const {virtual, device, file, node, groups, sync} = service;
  const address = addressOf(virtual);
  if (address === '' || node === '' || isHeld(groups, address)) return [];
  const serving = groups.find(({services}) => services.some((name) => baseOf(name) === baseOf(file)));
  const group = serving ?? ofNode(groups, node);
  const type = address.includes(':') ? 'IPv6addr' : 'IPaddr2';
  return [
    addedTo(group, node, `${type}::${address}${device === '' ? '' : `/${device}`}`),
    ...(serving ? [] : [addedTo(group, node, `ldirectord::${file}`)]),
    ...(sync && !groups.some((known) => known.sync)
      ? [addedTo(group, node, 'LVSSyncDaemonSwap::master')]
      : []),
  ];
}
