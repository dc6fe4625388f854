/** UDP sockets with options that node:dgram does not offer, created here and passed to it as a descriptor. */
import {addressBytes} from './address-text.ts';
import {
  abi,
  attachFilter,
  bindSocket,
  closeFd,
  openSocket,
  setIntOption,
  setOption,
  type FilterInstruction,
} from './sys.ts';

const IPPROTO_IP = 0;
const IP_TOS = 1;
const IP_TTL = 2;
const IP_MULTICAST_IF = 32;
const IP_MULTICAST_TTL = 33;
const IP_MULTICAST_LOOP = 34;
const IP_ADD_MEMBERSHIP = 35;
const IP_MULTICAST_ALL = 49;
const IPPROTO_IPV6 = 41;
const IPV6_UNICAST_HOPS = 16;
const IPV6_MULTICAST_IF = 17;
const IPV6_MULTICAST_HOPS = 18;
const IPV6_MULTICAST_LOOP = 19;
const IPV6_ADD_MEMBERSHIP = 20;
const IPV6_V6ONLY = 26;
const IPV6_MULTICAST_ALL = 29;
/** DSCP network control, as for VRRP: routers prioritise it. */
const TOS_NETWORK_CONTROL = 0xc0;
const PRIORITY_CONTROL = 6;

export interface UdpOptions {
  readonly kind: 'mcast' | 'bcast' | 'ucast';
  readonly family: 4 | 6;
  readonly device: string;
  readonly index: number;
  readonly port: number;
  /** For mcast. */
  readonly group?: string;
  readonly loop?: boolean;
  /** TTL or hop limit of sent datagrams; undefined: 1 for mcast, the system's default for the others. */
  readonly ttl?: number;
  /** The receive filter; the packet begins with its UDP header. */
  readonly filter?: readonly FilterInstruction[];
}

/** An address and port as the kernel's sockaddr. */
export function socketAddress(address: string, port: number, index = 0): Buffer {
  const bytes = addressBytes(address);
  const six = bytes.length === 16;
  const packed = Buffer.alloc(six ? 28 : 16);
  packed.writeUInt16LE(six ? abi.AF_INET6 : abi.AF_INET, 0);
  packed.writeUInt16BE(port, 2);
  packed.set(bytes, six ? 8 : 4);
  if (six) packed.writeUInt32LE(index, 24);
  return packed;
}

/** Creates and binds the socket; `dgram.createSocket(...).bind({fd, exclusive: true})` takes it over. Throws SystemError. */
export function openUdp(options: UdpOptions): number {
  const {kind, family, device, index, port} = options;
  const target = `udp ${kind} ${device} port ${port}`;
  const six = family === 6;
  const fd = openSocket(six ? abi.AF_INET6 : abi.AF_INET, abi.SOCK_DGRAM | abi.SOCK_NONBLOCK, 0, target);
  try {
    // Set first: nothing arrives before the socket is bound.
    if (options.filter) attachFilter(fd, options.filter, target);
    setIntOption(fd, abi.SOL_SOCKET, abi.SO_REUSEADDR, 1, target);
    setOption(fd, abi.SOL_SOCKET, abi.SO_BINDTODEVICE, Buffer.from(`${device}\0`), target);
    setIntOption(fd, abi.SOL_SOCKET, abi.SO_PRIORITY, PRIORITY_CONTROL, target);
    if (six) setIntOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1, target);
    else setIntOption(fd, IPPROTO_IP, IP_TOS, TOS_NETWORK_CONTROL, target);
    // A socket on the same port must not receive the datagrams of groups joined by another path.
    if (six) setIntOption(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0, target);
    else setIntOption(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0, target);
    if (kind !== 'mcast' && options.ttl !== undefined)
      setIntOption(
        fd,
        six ? IPPROTO_IPV6 : IPPROTO_IP,
        six ? IPV6_UNICAST_HOPS : IP_TTL,
        options.ttl,
        target,
      );
    if (kind === 'bcast') setIntOption(fd, abi.SOL_SOCKET, abi.SO_BROADCAST, 1, target);
    if (kind === 'mcast' && options.group !== undefined) joinGroup(fd, options.group, options, target);
    // Bound to the group, a multicast socket gets the group's datagrams only; the others take any local address.
    const bindAddress =
      kind === 'mcast' && options.group !== undefined ? options.group : six ? '::' : '0.0.0.0';
    bindSocket(fd, socketAddress(bindAddress, port, index), target);
    return fd;
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

function joinGroup(fd: number, group: string, {index, ttl, loop}: UdpOptions, target: string): void {
  const bytes = addressBytes(group);
  if (bytes.length === 16) {
    const membership = Buffer.alloc(20);
    membership.set(bytes, 0);
    membership.writeUInt32LE(index, 16);
    setOption(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, membership, target);
    setIntOption(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, index, target);
    setIntOption(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, ttl ?? 1, target);
    setIntOption(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, loop ? 1 : 0, target);
    return;
  }
  // struct ip_mreqn: group, own address (any), interface index
  const membership = Buffer.alloc(12);
  membership.set(bytes, 0);
  membership.writeInt32LE(index, 8);
  setOption(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, membership, target);
  setOption(fd, IPPROTO_IP, IP_MULTICAST_IF, membership, target);
  setIntOption(fd, IPPROTO_IP, IP_MULTICAST_TTL, ttl ?? 1, target);
  setIntOption(fd, IPPROTO_IP, IP_MULTICAST_LOOP, loop ? 1 : 0, target);
}
