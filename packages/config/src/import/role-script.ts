import {shellWord} from './words.ts';

/** A heartbeat resource script that runs two commands. A file marks it as running. */
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

/** The same for hooks: the script waits 2 s at most for them, and ignores their exit status. */
export function hookScript(origin: string, start: readonly string[], stop: readonly string[]): string {
  const runHooks = (commands: readonly string[]): string[] =>
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
    '# The commands are hooks: a failure has no effect on the group, and the script waits at most 2 s for them.',
    'soon() {',
    '  tenths=0',
    '  while kill -0 "$1" 2>/dev/null && [ $tenths -lt 20 ]; do sleep 0.1; tenths=$((tenths + 1)); done',
    '}',
    'state="/run/hactl-$(basename "$0")"',
    'case "$1" in',
    'start)',
    '  : >"$state"',
    ...runHooks(start),
    '  exit 0 ;;',
    'stop)',
    '  rm -f "$state"',
    ...runHooks(stop),
    '  exit 0 ;;',
    'status) if [ -e "$state" ]; then echo running; else echo stopped; fi ;;',
    `*) echo ${shellWord('usage: start|stop|status')} >&2; exit 2 ;;`,
    'esac',
    '',
  ].join('\n');
}
