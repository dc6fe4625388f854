/** One queue, run to completion, and one timer: every event becomes one step of the machine. */
import type {Clock, Instant, Lateness} from '@hactl/base';
import {blockFor} from '@hactl/net';
import {mustListenFirst, performAll} from '../machine/run.ts';
import type {Effect, Event} from '../machine/state.ts';
import {nextDeadline, step} from '../machine/step.ts';
import type {Current} from './current.ts';

/** A timer that is late by more than this part of the advert interval lets the sockets be read first. */
const STALL = 0.25;

/** The last milliseconds of a peer's silence are not left to a timer, nor to one for something else: each may be this late. */
const LAST = 2;

/** Between two looks at the clock the processor is left to others for so long, in ms: to those whom this machine serves. */
const BETWEEN_LOOKS = 0.1;

/** Effects that take this long, in ms, are of interest to the machine. */
const SLOW = 1;

export interface Loop {
  readonly feed: (event: Event) => void;
  /** Called from within an effect: processed when the step is complete. */
  readonly push: (event: Event) => void;
  readonly end: () => void;
}

export function makeLoop(
  current: Current,
  clock: Clock,
  lateness: Lateness,
  perform: (effect: Effect) => void | 'failed',
): Loop {
  const queue: Event[] = [];
  let timer: NodeJS.Timeout | undefined;
  /** The next look at the clock, in the last milliseconds of a silence. */
  let turn: NodeJS.Immediate | undefined;
  let dueAt: Instant = 0;
  /** When the clock is looked at: `dueAt`, or earlier for a silence. */
  let armedFor: Instant = 0;
  let running = false;
  let ended = false;

  function feed(event: Event): void {
    queue.push(event);
    if (running || ended) return;
    running = true;
    for (let next = queue.shift(); next; next = queue.shift()) {
      const from = clock.now();
      const [state, effects] = step(current.config, current.state, next, from);
      current.state = state;
      performAll(effects, perform);
      if (clock.now() - from < SLOW) continue;
      for (const effect of effects)
        if (effect.type === 'acquire') queue.push({type: 'acquired', vrid: effect.vrid, from});
    }
    running = false;
    schedule();
  }

  function schedule(): void {
    if (ended) return;
    const next = nextDeadline(current.config, current.state);
    const closeFrom = endOfSilence() - LAST;
    const wanted = Math.min(next, closeFrom);
    if ((timer ?? turn) !== undefined && next === dueAt && wanted >= armedFor) return;
    cancel();
    dueAt = next;
    armedFor = wanted;
    if (next === Infinity) return;
    const now = clock.now();
    if (closeFrom <= now) turn = setImmediate(onTimer);
    // Rounded up: a timer that fires early would only be re-armed. Before a silence ends it has to be early.
    else
      timer = setTimeout(onTimer, Math.max(0, Math.min(Math.ceil(next - now), Math.floor(closeFrom - now))));
  }

  /** When the first of the peers counts as dead. Each sent nothing for most of deadtime by then, so this is rarely near. */
  const endOfSilence = (): Instant =>
    // While it only listens, no silence is acted on.
    current.state.listenOnlyUntil === undefined
      ? Math.min(...current.state.peers.map(({alive, downAt}) => (alive ? downAt : Infinity)))
      : Infinity;

  function cancel(): void {
    clearTimeout(timer);
    clearImmediate(turn);
    timer = undefined;
    turn = undefined;
  }

  function onTimer(): void {
    cancel();
    const now = clock.now();
    if (now < dueAt) {
      blockFor(Math.min(BETWEEN_LOOKS, dueAt - now));
      return schedule();
    }
    const late = Math.max(0, now - dueAt);
    lateness.note(late);
    // After a stall, adverts wait in the sockets: one of ours that does not echo them would say that we do not hear the peer.
    const stalled = late > current.config.keepalive * STALL;
    if (!stalled && !mustListenFirst(current.state, now)) return feed({type: 'tick'});
    const due = dueAt;
    setImmediate(() => {
      if (dueAt === due) feed({type: 'tick'});
    });
  }

  return {
    feed,
    push: (event) => queue.push(event),
    end: () => {
      ended = true;
      cancel();
    },
  };
}
