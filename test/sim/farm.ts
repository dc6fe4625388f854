/** The server farm of the simulated pair: its files, loaded as by the daemon, and the expected table. */
import {createHash} from 'node:crypto';
import {digestCluster, loadCluster} from '@hactl/config';
import {engineConfig} from '../../src/configuration/engine-config.ts';
import type {Loaded} from '../../src/configuration/loaded.ts';

export const names = ['director1', 'director2'] as const;

/** Lines of haresources that an edit may add; the virtual services are on their addresses. */
const lines = [
  'director1 10.0.0.100/24/eth0',
  'director2 10.0.0.101/24/eth0',
  'director1 10.0.0.102/24/eth0',
] as const;
export const addresses = ['10.0.0.100', '10.0.0.101', '10.0.0.102'] as const;

export interface Server {
  readonly address: string;
  readonly virtual: string;
  readonly vip: string;
  readonly id: string;
  readonly weight: number;
}

export const FALLBACK = '127.0.0.1';

/** Two or three real servers per virtual service. */
export const servers: readonly Server[] = addresses.flatMap((vip, index) =>
  Array.from({length: index === 0 ? 3 : 2}, (_, at): Server => {
    const address = `10.0.${index + 1}.${at + 1}`;
    const virtual = `tcp ${vip}:80`;
    return {address, virtual, vip, id: `${virtual} > ${address}:80`, weight: at + 1};
  }),
);

export const CHECK_INTERVAL = 2_000;

const ldirectord = `checkinterval=${CHECK_INTERVAL / 1_000}
failurecount=1
${addresses
  .map(
    (vip) => `virtual=${vip}:80
${servers
  .filter((server) => server.vip === vip)
  .map(({address, weight}) => `\treal=${address}:80 gate ${weight}\n`)
  .join('')}\tservice=http
\tprotocol=tcp
\tfallback=${FALLBACK}:80 gate
\tfallbackcommand=/bin/page
\temailalert=ops@example.org
`,
  )
  .join('')}`;

const ha = (keepalive: number, failback: string): string =>
  `cluster sim
bcast eth0 eth1
node ${names.join(' ')}
keepalive ${keepalive}ms
deadtime ${keepalive * 5}ms
warntime ${keepalive * 2}ms
initdead ${keepalive * 10}ms
auto_failback ${failback}
hactl_holddown 0
`;

/** Contents of one director's files. */
export interface Files {
  readonly keepalive: number;
  readonly failback: 'on' | 'off';
  /** Indexes into the lines, in order. */
  readonly lines: readonly number[];
}

const loaded = new Map<string, Loaded>();

/** Loads the configuration of a director with these files. */
export function loadFarm(node: string, files: Files): Loaded {
  const key = JSON.stringify([node, files]);
  const known = loaded.get(key);
  if (known) return known;
  const texts: Readonly<Record<string, string>> = {
    '/x/ha.cf': ha(files.keepalive, files.failback),
    '/x/haresources': `${files.lines.map((index) => `${lines[index]} ldirectord::web.cf`).join('\n')}\n`,
    '/x/authkeys': 'auth 1\n1 crc\n',
    '/x/web.cf': ldirectord,
  };
  const {cluster, diagnostics} = loadCluster({
    dir: '/x',
    read: (path) => (texts[path] === undefined ? undefined : {text: texts[path], mode: 0o600}),
    mode: 'lenient',
    localNode: node,
    resolve: {host: () => undefined, service: () => undefined},
  });
  const errors = diagnostics.filter(({severity}) => severity === 'error');
  if (!cluster?.ha || errors.length > 0) throw new Error(JSON.stringify(errors));
  const digest = createHash('sha256').update(digestCluster(cluster)).digest('hex');
  const {config} = engineConfig({
    ha: cluster.ha,
    cluster,
    node,
    digest,
    stateDir: '/nowhere',
    findInterface: () => undefined,
  });
  const result = {cluster, engine: config, digest, notices: 0, at: 0};
  loaded.set(key, result);
  return result;
}

/** An operator's override for a real server. */
export interface Override {
  readonly drained: boolean;
  readonly maintenance: boolean;
}

/** Expected kernel weights of a virtual service, by server. */
export function tableOf(
  virtual: string,
  isUp: (server: Server) => boolean,
  override: (address: string) => Override,
): Readonly<Record<string, number>> {
  const serving = servers
    .filter((server) => server.virtual === virtual)
    .filter((server) => isUp(server) && !override(server.address).maintenance)
    .map((server) => [server.address, override(server.address).drained ? 0 : server.weight] as const);
  const weights = Object.fromEntries(serving);
  return serving.some(([, weight]) => weight > 0) ? weights : {...weights, [FALLBACK]: 1};
}
