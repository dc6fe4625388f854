/** Sends the beats of pulse.ts and learns from the kernel's messages which ones have been sent out. */
import {closeSync, openSync, readSync} from 'node:fs';
import {IpvsError, reservedDestination, reservedService, type IpvsClient, type Operation} from '@hactl/ipvs';
import {openRawIpv4, openSilentPort, tcpFlag, tcpPacket, type RawIpv4} from '@hactl/net';
import {
  beatOf,
  clientOf,
  connectionsMade,
  FIRST_PORT,
  MARKERS,
  markerOf,
  needsBeat,
  pauseOf,
  portsOf,
  triplesOf,
  type Need,
} from './pulse.ts';

const STATISTICS = '/proc/net/ip_vs_stats_percpu';
/** A line of 65 octets for each possible processor. */
const PAGE = 65_536;
/** Interval at which the kernel's count is read on an idle director, in ms. */
const IDLE_LOOK = 200;
/** Check interval of the reserved service, in ms: somebody may have cleared the table. */
const SERVICE_EVERY = 1_000;
/** A beat not received within this time is lost, in ms. */
const LOST_AFTER = 1_000;
const NEVER = -1e9;
/** Number of beats over which their cost is smoothed. */
const COST_SMOOTHING = 8;

export interface PulsePorts {
  readonly now: () => number;
  /** The table with the reserved service. */
  readonly ipvs: () => IpvsClient | undefined;
  log(level: 'warn' | 'info' | 'debug', message: string): void;
}

export interface PulseOptions {
  /** Interval between beats, in ms. */
  readonly interval: number;
  /** Size of the master daemon's messages. */
  readonly maxlen: number;
  /** The last octet of its client address. */
  readonly client: number;
}

export interface Pulse {
  /** A record from the local kernel with a pulse address. */
  heard(message: Buffer, start: number): void;
  /** Number and time of the newest beat that the kernel has sent out, and of the newest one made. */
  readonly newestHeard: number;
  readonly newest: number;
  readonly interval: number;
  sentAt(beat: number): number | undefined;
  /** Sends a beat that wakes the kernel's sender; resolves to its number when received; undefined: timed out. */
  burst(limit: number): Promise<number | undefined>;
  /** Whether beats are due, and whether the kernel has been silent for a second although they were. */
  readonly beating: boolean;
  readonly silent: boolean;
  setActive(active: boolean): void;
  close(): void;
}

/** The two commands that create the service; an existing one is not an error. */
const orders: readonly Operation[] = [
  {type: 'new-service', service: reservedService},
  {type: 'new-dest', key: reservedService.key, destination: reservedDestination},
];

async function keepService(ipvs: IpvsClient): Promise<void> {
  for (const order of orders)
    try {
      // oxlint-disable-next-line no-await-in-loop -- the server needs its service.
      await ipvs.apply(order);
    } catch (error) {
      if (!(error instanceof IpvsError && error.code === 'EEXIST')) throw error;
    }
}

export const removeService = async (ipvs: IpvsClient): Promise<void> =>
  ipvs.apply({type: 'del-service', key: reservedService.key}).catch(() => {
    // Already absent, as desired.
  });

/** The three packets of each client port. */
function packetsOf(client: number, count: number): Buffer[][] {
  const {address: to, port: toPort} = reservedService.key;
  const from = to.replace(/\d+$/, String(client));
  const flags = [tcpFlag.SYN, tcpFlag.FIN | tcpFlag.ACK, tcpFlag.RST];
  return Array.from({length: MARKERS + count}, (_, index) => {
    const segment = {from, to, fromPort: FIRST_PORT + index, toPort, sequence: 1};
    return flags.map((flag) => tcpPacket(segment, flag));
  });
}

async function openSockets(): Promise<{statistics: number; raw: RawIpv4; closeSink: () => void}> {
  const {address, port} = reservedService.key;
  // Absent: no IPVS.
  const statistics = openSync(STATISTICS, 'r');
  try {
    const closeSink = await openSilentPort(address, port);
    return {statistics, raw: openRawIpv4(address), closeSink};
  } catch (error) {
    closeSync(statistics);
    throw error;
  }
}

/** Rejects if a pulse is impossible: no IPVS, no permission to send, an address in use. */
export async function openPulse(ports: PulsePorts, options: PulseOptions): Promise<Pulse> {
  const {now} = ports;
  const quiet = triplesOf(options.maxlen, false);
  const loud = triplesOf(options.maxlen, true);
  const packets = packetsOf(options.client, loud);
  const {statistics, raw, closeSink} = await openSockets();
  const page = Buffer.alloc(PAGE);
  const need: Need = {count: -1, movedAt: NEVER};
  const times = new Float64Array(MARKERS);
  const waiting = new Map<number, (beat: number) => void>();
  const state = {
    newest: 0,
    newestHeard: 0,
    beating: false,
    active: false,
    service: NEVER,
    heardAt: NEVER,
    begunAt: NEVER,
  };
  let timer: NodeJS.Timeout | undefined;
  /** Smoothed processor time of a beat, in ms. */
  let cost = 0;

  const count = (): number =>
    connectionsMade(page.toString('latin1', 0, readSync(statistics, page, 0, page.length, 0)));
  const beat = (triples: number): number => {
    state.newest += 1;
    times[state.newest % MARKERS] = now();
    try {
      for (const port of portsOf(state.newest, triples))
        for (const packet of packets[port - FIRST_PORT] ?? []) raw.send(packet);
    } catch {
      // `lo` is down: nothing is pushed, and that is reported.
    }
    // Connections made by the beat itself do not count.
    need.count = count();
    return state.newest;
  };
  const look = (): void => {
    const time = now();
    const due = needsBeat(need, count(), time);
    if (due && !state.beating) state.begunAt = time;
    state.beating = due;
    if (due) {
      // Processor time: waiting for a processor does not count.
      const before = process.cpuUsage();
      beat(quiet);
      const {user, system} = process.cpuUsage(before);
      cost += ((user + system) / 1_000 - cost) / COST_SMOOTHING;
    }
    const wait = due || state.active ? options.interval : Math.max(IDLE_LOOK, options.interval);
    timer = setTimeout(look, pauseOf(wait, cost));
    const ipvs = ports.ipvs();
    if (!ipvs || time - state.service < SERVICE_EVERY) return;
    state.service = time;
    keepService(ipvs).catch((error: unknown) => ports.log('debug', `pulse: ${String(error)}`));
  };
  const ipvs = ports.ipvs();
  if (ipvs) await keepService(ipvs);
  need.count = count();
  timer = setTimeout(look, options.interval);

  return {
    heard: (message, start) => {
      const marker = markerOf(message, start);
      if (marker < 0 || clientOf(message, start) !== options.client) return;
      const number = beatOf(state.newest, marker);
      if (number < state.newestHeard || number === 0) return;
      state.newestHeard = number;
      state.heardAt = now();
      for (const [wanted, resolve] of waiting)
        if (number >= wanted) {
          waiting.delete(wanted);
          resolve(number);
        }
    },
    get newestHeard() {
      return state.newestHeard;
    },
    interval: options.interval,
    get newest() {
      return state.newest;
    },
    sentAt: (number) => (number > 0 && number > state.newest - MARKERS ? times[number % MARKERS] : undefined),
    burst: (limit) =>
      new Promise((resolve) => {
        const number = beat(loud);
        const late = setTimeout(() => {
          waiting.delete(number);
          resolve(undefined);
        }, limit);
        waiting.set(number, (heard) => {
          clearTimeout(late);
          resolve(heard);
        });
      }),
    get beating() {
      return state.beating;
    },
    get silent() {
      return state.beating && now() - Math.max(state.heardAt, state.begunAt) > LOST_AFTER;
    },
    setActive: (active) => {
      state.active = active;
    },
    close: () => {
      clearTimeout(timer);
      for (const resolve of waiting.values()) resolve(0);
      closeSync(statistics);
      raw.close();
      closeSink();
    },
  };
}
