/**
 * The only importer of the npm package `netlink`. For uncritical work: reading links, addresses and
 * routes while loading a configuration. Its pitfalls (docs/architecture.md) are contained here: one request at a time, each
 * with a timeout, no subscription (an overrun would end the process), the socket closed in every outcome.
 */
import ipaddr from 'ipaddr.js';
import {addressText} from './address-text.ts';
import {NetlinkError} from './netlink-direct.ts';

const TIMEOUT_MS = 1_000;
const DEFAULT_PRIORITY = 0;

/** The fields of a main-table route that are needed to find an interface. */
export interface Route {
  readonly device: string;
  readonly destination: string;
  readonly prefixLength: number;
  readonly metric: number;
}

/** Reads the routes. Rejects with NetlinkError. */
export async function listRoutes(): Promise<Route[]> {
  // Loaded on use: the engine and the other small processes never need it.
  const {createRtNetlink} = await import('netlink');
  const socket = createRtNetlink();
  try {
    const links = await socket.getLinks({}, {}, {timeout: TIMEOUT_MS});
    const names = new Map(links.map((link) => [link.data.index, link.attrs.ifname]));
    const routes = await socket.getRoutes({}, {}, {timeout: TIMEOUT_MS});
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

/** The device and prefix length that heartbeat's findif finds: those of the longest matching route, without default routes. */
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

/** Reads the routes once and returns a lookup function. */
export async function findRouteInterface(): Promise<
  (address: string, family: 4 | 6) => {device: string; prefixLength: number} | undefined
> {
  const routes = await listRoutes();
  return (address) => chooseInterface(routes, address);
}
