/**
 * The current state of the pair. The daemon is polled once a second, however many clients ask: a thousand requests a second
 * to the console are one to the daemon.
 */
import type {StatusSnapshot} from '../control/protocol.ts';
import type {Daemon} from './daemon.ts';
import type {HistoryStore} from './history-file.ts';
import {noHistory, record, type History} from './history.ts';

/** The latest status, or why there is none. */
export type Live =
  {readonly ok: true; readonly status: StatusSnapshot} | {readonly ok: false; readonly reason: string};

export interface LiveSource {
  now(): Live;
  history(): History;
  /** Registers a callback run after each poll; returns the function that removes it. */
  follow(listener: (live: Live) => void): () => void;
  /** Polls immediately; resolves when done. */
  look(): Promise<Live>;
  stop(): void;
}

const EVERY_MS = 1_000;
/** Interval of saving the history (also saved at exit): a crash loses one point of the day. Milliseconds. */
const SAVE_EVERY_MS = 300_000;

/** New connections per second of each service, active connections of each real server. */
function sampleOf(status: StatusSnapshot, before: StatusSnapshot | undefined): Map<string, number> {
  const sample = new Map<string, number>();
  const seconds = before ? (status.wall - before.wall) / 1_000 : 0;
  for (const {name, connections, reals} of status.virtuals) {
    const earlier = before?.virtuals.find((virtual) => virtual.name === name);
    const made = earlier ? Number(connections) - Number(earlier.connections) : 0;
    if (seconds > 0 && made >= 0) sample.set(name, made / seconds);
    for (const real of reals) sample.set(`${name} ${real.name}`, real.activeConnections);
  }
  return sample;
}

export function openLive(
  daemon: Daemon,
  wall: () => number,
  each: (live: Live) => void,
  store?: HistoryStore,
): LiveSource {
  let live: Live = {ok: false, reason: 'the daemon has not been polled yet'};
  let history = store?.load() ?? noHistory;
  let running: Promise<Live> | undefined;
  const listeners = new Set<(live: Live) => void>();

  async function once(): Promise<Live> {
    const before = live.ok ? live.status : undefined;
    try {
      const status = await daemon.status();
      live = {ok: true, status};
      history = record(history, sampleOf(status, before), wall());
    } catch (error) {
      live = {ok: false, reason: error instanceof Error ? error.message : String(error)};
    }
    each(live);
    for (const listener of listeners) listener(live);
    return live;
  }
  const look = (): Promise<Live> => {
    running ??= once().finally(() => {
      running = undefined;
    });
    return running;
  };
  /** A full disk must not stop the console: only the stored plots are lost. */
  function save(): void {
    try {
      store?.save(history);
    } catch (error) {
      process.stderr.write(`console: cannot save the plots: ${String(error)}\n`);
    }
  }
  const saves = setInterval(save, SAVE_EVERY_MS);
  const timer = setInterval(() => void look(), EVERY_MS);
  void look();
  return {
    now: () => live,
    history: () => history,
    follow: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    look,
    stop: () => {
      clearInterval(timer);
      clearInterval(saves);
      save();
    },
  };
}
