/** Resources that an edit adds to haresources, and their group. Pure. */
import type {FileEdit, Group} from './api.ts';

const baseOf = (file: string): string => file.split('/').at(-1) ?? file;

/** IPv6 addresses have many spellings. */
const plain = (address: string): string =>
  (address.includes(':') ? URL.parse(`http://[${address}]`)?.hostname.slice(1, -1) : address) ?? address;

/** The address of `10.0.0.1:80` or `[2001:db8::1]:80`; a firewall mark has none. */
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

/** The resource missing for connection sync: nothing if a group has it already, or if there is no line to add it to. */
export function syncResource(groups: readonly Group[], node: string): FileEdit[] {
  if (groups.some(({sync}) => sync)) return [];
  const group = groups.find(({services}) => services.length > 0) ?? ofNode(groups, node) ?? groups[0];
  return group || node !== '' ? [addedTo(group, node, 'LVSSyncDaemonSwap::master')] : [];
}

/** Resources a new service needs: its address in the group of its file's services; a new file goes to the preferred director. */
export function resourcesFor(service: {
  readonly virtual: string;
  /** `MASK/DEVICE`; empty: chosen by the route. */
  readonly device: string;
  readonly file: string;
  /** The first director. */
  readonly node: string;
  readonly groups: readonly Group[];
  /** Whether to synchronise connections. */
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
