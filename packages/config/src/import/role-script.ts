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

/** The same for hooks: they are not waited for longer than a moment, and their status does not count. */
export function hookScript(origin: string, start: readonly string[], stop: readonly string[]): string {
  const told = (commands: readonly string[]): string[] =>
    commands.length === 0
      ? []
      : [
          '  (',
          ...commands.map((command) => `    ${command} || :`),
          '  ) </dev/null >/dev/null 2>&1 &',
          '  soon $!',
        ];
  return [
    '#!/bin/sh',
    `# Written by hactl import from ${origin}.`,
    '# The commands are hooks: a failure has no effect on the group, and nobody waits more than 2 s for their end.',
    'soon() {',
    '  tenths=0',
    '  while kill -0 "$1" 2>/dev/null && [ $tenths -lt 20 ]; do sleep 0.1; tenths=$((tenths + 1)); done',
    '}',
    'state="/run/hactl-$(basename "$0")"',
    'case "$1" in',
    'start)',
    '  : >"$state"',
    ...told(start),
    '  exit 0 ;;',
    'stop)',
    '  rm -f "$state"',
    ...told(stop),
    '  exit 0 ;;',
    'status) if [ -e "$state" ]; then echo running; else echo stopped; fi ;;',
    `*) echo ${shellWord('usage: start|stop|status')} >&2; exit 2 ;;`,
    'esac',
    '',
  ].join('\n');
}
