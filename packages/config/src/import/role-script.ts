import {shellWord} from './words.ts';

/** A resource of heartbeat's kind around two commands. What is running is remembered in a file. */
export function roleScript(origin: string, start: string | undefined, stop: string | undefined): string {
  const state = '/run/hactl-$(basename "$0")';
  return [
    '#!/bin/sh',
    `# Written by hactl import from ${origin}.`,
    `state="${state}"`,
    'case "$1" in',
    `start) ${start ?? ':'}`,
    '  status=$?; [ $status -eq 0 ] && : > "$state"; exit $status ;;',
    `stop) ${stop ?? ':'}`,
    '  status=$?; rm -f "$state"; exit $status ;;',
    'status) if [ -e "$state" ]; then echo running; else echo stopped; fi ;;',
    `*) echo ${shellWord('usage: start|stop|status')} >&2; exit 2 ;;`,
    'esac',
    '',
  ].join('\n');
}
