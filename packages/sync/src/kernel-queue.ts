/** Parses /proc/net/udp for the sockets on the kernel's sync port: queue and drops. Pure. */

export interface SocketQueue {
  readonly inode: number;
  /** Octets queued, with the kernel's overhead. */
  readonly queued: number;
  /** Datagrams dropped since the socket was created, because its buffer was full. */
  readonly drops: number;
}

/** An IPv4 address and port as /proc/net/udp writes them: the address in host order, `510000E0:2290`. */
export const procAddress = (address: string, port: number): string => {
  const octets = address.split('.').map(Number).toReversed();
  const hex = (value: number, width: number): string => value.toString(16).toUpperCase().padStart(width, '0');
  return `${octets.map((octet) => hex(octet, 2)).join('')}:${hex(port, 4)}`;
};

/** The sockets bound to the address (of procAddress), without connected ones. */
export function socketQueues(text: string, bound: string): SocketQueue[] {
  const queues: SocketQueue[] = [];
  for (const line of text.split('\n')) {
    if (!line.includes(bound)) continue;
    const words = line.trim().split(/\s+/);
    // sl local remote state tx:rx tr:when retransmits uid timeout inode ref pointer drops
    if (words[1] !== bound || words[3] !== '07') continue;
    queues.push({
      queued: parseInt(words[4]?.split(':')[1] ?? '0', 16),
      inode: Number(words[9]),
      drops: Number(words[12]),
    });
  }
  return queues;
}
