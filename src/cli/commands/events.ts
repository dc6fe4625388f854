import {setTimeout as sleep} from 'node:timers/promises';
import {ask, ControlError} from '../../control/client.ts';
import {eventKinds, type EventKind, type EventQuery, type EventsAnswer} from '../../control/events.ts';
import {CliError, exit} from '../exit.ts';
import {paintFor} from '../render/paint.ts';
import {eventLine} from '../render/render-events.ts';
import {parseSince} from '../render/when.ts';
import {jsonText, shownLine} from '../render/shown.ts';
import {ASK_LIMIT_MS, FOLLOW_WAIT_MS} from '../../system/limits.ts';

const RETRY = 1_000;

export interface EventsOptions {
  readonly since?: string;
  readonly kind?: string;
  readonly subject?: string;
  readonly lines?: string;
  readonly follow?: boolean;
  readonly json?: boolean;
}

const isKind = (word: string): word is EventKind => Object.hasOwn(eventKinds, word);

/** The command line as a query; throws a CliError for invalid arguments. */
export function eventQuery(options: EventsOptions, now: number): EventQuery {
  const {since, kind, subject, lines} = options;
  const kinds = kind?.split(',').map((word) => word.trim());
  const from = since === undefined ? undefined : parseSince(since, now);
  if (since !== undefined && from === undefined)
    throw new CliError(
      exit.config,
      `--since ${since}: not a time; write 90s, 10m, 2h, 1d, 14:05 or "2026-11-21 14:05" (UTC)`,
    );
  for (const word of kinds ?? [])
    if (!isKind(word))
      throw new CliError(
        exit.config,
        `--kind ${word}: there is no such kind; there are ${Object.keys(eventKinds).join(', ')}`,
      );
  if (lines !== undefined && !/^\d+$/.test(lines))
    throw new CliError(exit.config, `-n ${lines}: not a number of events`);
  // --since means all events since then.
  const limit = lines === undefined ? (from === undefined ? 50 : undefined) : Number(lines);
  return {
    ...(from === undefined ? {} : {since: from}),
    ...(kinds === undefined ? {} : {kinds: kinds.filter(isKind)}),
    ...(subject === undefined ? {} : {match: subject}),
    ...(limit === undefined ? {} : {limit}),
  };
}

/** `hactl events`: prints the journal; with --follow also new events, across restarts of the daemon. */
export async function events(socket: string, options: EventsOptions): Promise<number> {
  const query = eventQuery(options, Date.now());
  const paint = paintFor(process.stdout);
  const print = (answer: EventsAnswer): void => {
    const lines = answer.events.map((event) => (options.json ? jsonText(event) : eventLine(event, paint)));
    if (lines.length > 0) process.stdout.write(lines.join('\n') + '\n');
  };
  const first = await ask(socket, {command: 'events', ...query}, ASK_LIMIT_MS);
  print(first);
  if (!options.follow) return exit.ok;
  let after = first.last;
  let lost = false;
  for (;;) {
    const {since: _, limit: __, ...rest} = query;
    try {
      // oxlint-disable-next-line no-await-in-loop -- this loop is the following.
      const news = await ask(
        socket,
        {command: 'events', ...rest, after, wait: FOLLOW_WAIT_MS},
        FOLLOW_WAIT_MS + ASK_LIMIT_MS,
      );
      print(news);
      after = news.last;
      lost = false;
    } catch (error) {
      if (!(error instanceof ControlError) || !['no-daemon', 'closed', 'timeout'].includes(error.code))
        throw error;
      if (!lost) process.stderr.write(`hactl: ${shownLine(error.message)}; waiting for it\n`);
      lost = true;
      // oxlint-disable-next-line no-await-in-loop -- see above.
      await sleep(RETRY);
    }
  }
}
