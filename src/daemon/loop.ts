/** The supervisor's loop: one queue and one timer around the machine, like the engine's driver. */
import type {Clock} from '@hactl/base';
import {
  nextDeadline,
  step,
  type CoreConfig,
  type CoreEffect,
  type CoreEvent,
  type CoreState,
} from './core.ts';

export interface Loop {
  /** Queues an event; it is processed before this returns, unless another event is being processed. */
  readonly feed: (event: CoreEvent) => void;
  readonly state: CoreState;
  /** Starts performing effects; earlier events are queued. Events returned by `perform` are processed first. */
  start(perform: (effect: CoreEffect) => CoreEvent | void): void;
  /** No further events are accepted. */
  stop(): void;
}

/**
 * Processes each event completely: performs its effects, then takes their immediate answers before any other event. After each
 * event the timer is set to the machine's next deadline; nothing else wakes it.
 */
export function makeLoop(options: {
  readonly clock: Clock;
  readonly config: CoreConfig;
  readonly first: CoreState;
}): Loop {
  const {clock, config} = options;
  const queue: CoreEvent[] = [];
  let state = options.first;
  let perform: ((effect: CoreEffect) => CoreEvent | void) | undefined;
  let running = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  function arm(): void {
    clearTimeout(timer);
    const due = nextDeadline(state);
    if (stopped || due === Infinity) return;
    timer = setTimeout(() => feed({type: 'tick'}), Math.max(0, Math.ceil(due - clock.now())));
  }

  function run(): void {
    if (running || !perform) return;
    running = true;
    try {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const [after, effects] = step(config, state, next, {now: clock.now(), wall: clock.wall()});
        state = after;
        const answers: CoreEvent[] = [];
        for (const effect of effects) {
          const answer = perform(effect);
          if (answer) answers.push(answer);
        }
        queue.unshift(...answers);
      }
    } finally {
      running = false;
    }
    arm();
  }

  function feed(event: CoreEvent): void {
    if (stopped) return;
    queue.push(event);
    run();
  }

  return {
    feed,
    get state() {
      return state;
    },
    start: (how) => {
      perform = how;
      run();
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
