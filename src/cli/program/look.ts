/** Commands that show the present and the past: status, events, why, watch. */
import type {EventsOptions} from '../commands/events.ts';
import type {WatchOptions} from '../commands/watch.ts';
import type {WhyOptions} from '../commands/why.ts';
import {eventKinds} from '../../control/events.ts';
import type {Cli} from './cli.ts';

/** Adds them to the program. */
export function addLook(cli: Cli): void {
  const {program} = cli;

  program
    .command('status')
    .description('roles, addresses, peers, virtual services, checks, sync, processes, last transitions')
    .option('--json', 'the whole snapshot as JSON')
    .action(async (options: {json?: boolean}) =>
      cli.run((await import('../commands/status.ts')).status(cli.socket(), options)),
    );

  program
    .command('events')
    .description('events from the journal: the newest 50, or all --since a time')
    .option('--since <time>', '90s, 10m, 2h, 1d back, 14:05, or "2026-11-21 14:05" (UTC)')
    .option('--kind <kinds>', `of these kinds only: ${Object.keys(eventKinds).join(', ')}`)
    .option('--subject <text>', 'only events whose subject or text contains this')
    .option('-n, --lines <number>', 'show the newest N events')
    .option('-f, --follow', 'and new ones as they happen, until Ctrl-C')
    .option('--json', 'each event as one line of JSON')
    .action(async (options: EventsOptions) =>
      cli.run((await import('../commands/events.ts')).events(cli.socket(), options)),
    );

  program
    .command('why')
    .description('the timeline of the last role change: what each director heard and decided, and when')
    .option('--before <time>', 'the last one before a time: 10m, 2h back, 14:05, or "2026-11-21 14:05" (UTC)')
    .option('--json', 'the timeline as JSON')
    .action(async (options: WhyOptions) =>
      cli.run((await import('../commands/why.ts')).why(cli.socket(), options)),
    );

  program
    .command('watch')
    .description('roles, adverts, real servers and events, redrawn each second; q or Ctrl-C quits')
    .option('--count <frames>', 'quit after N frames')
    .action(async (options: WatchOptions) =>
      cli.run((await import('../commands/watch.ts')).watch(cli.socket(), options)),
    );
}
