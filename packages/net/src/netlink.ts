/**
 * The npm package `netlink`, and its only importer. It serves what is not critical: looking at links, addresses and
 * routes when a configuration is read. Its traps (docs/architecture.md) are kept in here: one request at a time, each
 * with a timeout, no subscription (an overrun would end the process), the socket closed in every outcome.
 */
import ipaddr from 'ipaddr.js';
import {addressText} from './address-text.ts';
import {NetlinkError} from './netlink-direct.ts';

const LIMIT = 1_000;
const DEFAULT_PRIORITY = 0;

/** A route of the main table as far as finding an interface needs it. */
export interface Route {
  readonly device: string;
  readonly destination: string;
  readonly prefixLength: number;
  readonly metric: number;
}

/** Reads the routes. Rejects with NetlinkError. */
export async function listRoutes(): Promise<Route[]> {
  // Loaded when it is needed: the engine and the other small processes never do.
  const {createRtNetlink} = await import('netlink');
  const socket = createRtNetlink();
  try {
    const links = await socket.getLinks({}, {}, {timeout: LIMIT});
    const names = new Map(links.map((link) => [link.data.index, link.attrs.ifname]));
    const routes = await socket.getRoutes({}, {}, {timeout: LIMIT});
    return routes.flatMap(({data, attrs}) => {
      const device = names.get(attrs.oif ?? -1);
      const bytes = attrs.dst as Uint8Array | undefined;
      if (device === undefined || device === 'lo' || bytes === undefined) return [];
      return [
        {
          device,
          destination: addressText(bytes),
          prefixLength: data.dstLen ?? 0,
          metric: attrs.priority ?? DEFAULT_PRIORITY,
        },
      ];
    });
  } catch (error) {
    const code = /E[A-Z]+/.exec(String(error))?.[0] ?? 'EIO';
    throw new NetlinkError('list', 'routes', code, error instanceof Error ? error.message : String(error));
  } finally {
    socket.socket.close();
  }
}

/** The device and prefix length that heartbeat's findif finds: of the routes that match, the longest; no default route. */
export function chooseInterface(
  routes: readonly Route[],
  address: string,
): {device: string; prefixLength: number} | undefined {
  const wanted = ipaddr.parse(address);
  const [best] = routes
    .filter((route) => {
      const network = ipaddr.parse(route.destination);
      return (
        route.prefixLength > 0 &&
        network.kind() === wanted.kind() &&
        wanted.match([network, route.prefixLength] as never)
      );
    })
    .toSorted((route, right) => right.prefixLength - route.prefixLength || route.metric - right.metric);
  return best && {device: best.device, prefixLength: best.prefixLength};
}

/** Reads the routes once; the function that comes back answers from them. */
export async function findRouteInterface(): Promise<
  (address: string, family: 4 | 6) => {device: string; prefixLength: number} | undefined
> {
  const routes = await listRoutes();
  return (address) => chooseInterface(routes, address);
}
