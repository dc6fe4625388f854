/** Refusals of the peer channel, in the log and the journal: a source's first at once, further ones once a minute. */
import type {EventDraft} from '../control/events.ts';
import type {Log} from '../system/log.ts';
import {makeStrangers, type StrangerReport} from './strangers.ts';

export interface StrangerReporter {
  readonly refused: (source: string, reason: string) => void;
  readonly close: () => void;
}

export function reportStrangers(ports: {
  readonly log: Log;
  readonly record?: (draft: EventDraft) => void;
}): StrangerReporter {
  const strangers = makeStrangers();
  let timer: NodeJS.Timeout | undefined;

  const write = ({source, reason, count}: StrangerReport): void => {
    const times = count === 1 ? 'was refused' : `was refused ${count} times within a minute`;
    const text = `peer channel: ${source} ${times}: ${reason}`;
    ports.log('warn', text);
    ports.record?.({kind: 'stranger', level: 'warn', subject: source, text, data: {count}});
  };

  function schedule(): void {
    const {dueAt} = strangers;
    if (dueAt === undefined || timer) return;
    timer = setTimeout(
      () => {
        timer = undefined;
        for (const report of strangers.flush(performance.now())) write(report);
        schedule();
      },
      dueAt - performance.now() + 1,
    );
    timer.unref();
  }

  return {
    refused: (source, reason) => {
      const first = strangers.refused(source, reason, performance.now());
      if (first) write(first);
      schedule();
    },
    close: () => clearTimeout(timer),
  };
}
