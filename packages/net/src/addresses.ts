/** Addresses and links over rtnetlink, synchronously: how the failover engine changes the VIP. */
import {addressBytes, addressText} from './address-text.ts';
import {attribute, readAttributes, readString, stringAttribute, u32Attribute} from './attributes.ts';
import {netlinkFlag, openDirect, type DirectNetlink} from './netlink-direct.ts';
import {abi} from './sys.ts';

const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const IFA = {ADDRESS: 1, LOCAL: 2, LABEL: 3, BROADCAST: 4, CACHEINFO: 6, FLAGS: 8} as const;
const IFLA = {ADDRESS: 1, IFNAME: 3, OPERSTATE: 16} as const;
/** No duplicate address detection: it would make the VIP unusable for a second. */
const IFA_F_NODAD = 0x02;
const FOREVER = 0xffff_ffff;
const IFF_UP = 1;
const IFF_RUNNING = 0x40;

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly up: boolean;
  /** The link has carrier and is operationally up. */
  readonly running: boolean;
  /** Hardware address, `02:00:00:00:00:01`. */
  readonly mac: string;
}

export interface InterfaceAddress {
  readonly family: 4 | 6;
  readonly address: string;
  readonly prefixLength: number;
  readonly index: number;
  readonly label?: string;
  readonly broadcast?: string;
  /** Seconds until the kernel drops it; undefined: never. */
  readonly validFor?: number;
}

/** An address to put on an interface. */
export interface NewAddress {
  readonly family: 4 | 6;
  readonly address: string;
  readonly prefixLength: number;
  readonly index: number;
  readonly label?: string;
  readonly broadcast?: string;
  /** Whole seconds after which the kernel drops it unless it is renewed; undefined: it stays. */
  readonly lease?: number;
}

const familyNumber = (family: 4 | 6): number => (family === 4 ? abi.AF_INET : abi.AF_INET6);

function addressMessage(address: NewAddress): Buffer {
  const head = Buffer.alloc(8);
  head[0] = familyNumber(address.family);
  head[1] = address.prefixLength;
  head.writeUInt32LE(address.index, 4);
  const bytes = addressBytes(address.address);
  const parts = [head, attribute(IFA.LOCAL, bytes), attribute(IFA.ADDRESS, bytes)];
  if (address.family === 4 && address.broadcast !== undefined)
    parts.push(attribute(IFA.BROADCAST, addressBytes(address.broadcast)));
  if (address.family === 4 && address.label !== undefined)
    parts.push(stringAttribute(IFA.LABEL, address.label));
  if (address.family === 6) parts.push(u32Attribute(IFA.FLAGS, IFA_F_NODAD));
  if (address.lease !== undefined || address.family === 6) {
    const cache = Buffer.alloc(16);
    // Not preferred: the director must not use an IPv6 VIP as the source of its own connections.
    cache.writeUInt32LE(address.family === 6 ? 0 : (address.lease ?? FOREVER), 0);
    cache.writeUInt32LE(address.lease ?? FOREVER, 4);
    parts.push(attribute(IFA.CACHEINFO, cache));
  }
  return Buffer.concat(parts);
}

/** Opens the socket for changing addresses. */
export function openAddresses() {
  const socket: DirectNetlink = openDirect(0);

  function links(): Link[] {
    return socket
      .request(RTM_GETLINK, netlinkFlag.DUMP, Buffer.alloc(16), {op: 'list', target: 'links'})
      .map((message) => readLink(message));
  }

  function list(): InterfaceAddress[] {
    return socket
      .request(RTM_GETADDR, netlinkFlag.DUMP, Buffer.alloc(8), {op: 'list', target: 'addresses'})
      .flatMap((message) => readAddress(message) ?? []);
  }

  /** Adds the address, or renews its lease if it exists. Throws NetlinkError. */
  function put(address: NewAddress): void {
    socket.request(RTM_NEWADDR, netlinkFlag.CREATE | netlinkFlag.REPLACE, addressMessage(address), {
      op: 'add address',
      target: `${address.address}/${address.prefixLength}`,
    });
  }

  /** Removes the address. Throws NetlinkError EADDRNOTAVAIL if it does not exist. */
  function remove(item: Pick<NewAddress, 'family' | 'address' | 'prefixLength' | 'index'>): void {
    const {family, address, prefixLength, index} = item;
    socket.request(RTM_DELADDR, 0, addressMessage({family, address, prefixLength, index}), {
      op: 'delete address',
      target: `${address}/${prefixLength}`,
    });
  }

  return {links, list, put, remove, close: () => socket.close()};
}

export type Addresses = ReturnType<typeof openAddresses>;

export function readLink(message: Buffer): Link {
  const attributes = readAttributes(message.subarray(16));
  const flags = message.readUInt32LE(8);
  return {
    index: message.readInt32LE(4),
    name: readString(attributes.get(IFLA.IFNAME) ?? Buffer.alloc(0)),
    up: (flags & IFF_UP) !== 0,
    running: (flags & IFF_RUNNING) !== 0,
    mac: [...(attributes.get(IFLA.ADDRESS) ?? [])]
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join(':'),
  };
}

export function readAddress(message: Buffer): InterfaceAddress | undefined {
  const family = message[0] === abi.AF_INET ? 4 : message[0] === abi.AF_INET6 ? 6 : undefined;
  if (family === undefined) return undefined;
  const attributes = readAttributes(message.subarray(8));
  const bytes = attributes.get(IFA.LOCAL) ?? attributes.get(IFA.ADDRESS);
  if (!bytes) return undefined;
  const label = attributes.get(IFA.LABEL);
  const broadcast = attributes.get(IFA.BROADCAST);
  const valid = attributes.get(IFA.CACHEINFO)?.readUInt32LE(4) ?? FOREVER;
  return {
    family,
    address: addressText(bytes),
    prefixLength: message[1] ?? 0,
    index: message.readUInt32LE(4),
    ...(label ? {label: readString(label)} : {}),
    ...(broadcast ? {broadcast: addressText(broadcast)} : {}),
    ...(valid === FOREVER ? {} : {validFor: valid}),
  };
}
