/** Directives of ha.cf with special rules, and the settings read so far. Pure. */
import type {WrittenTimes} from './ha-finish.ts';
import type {HaLine} from './ha-line.ts';
import type {Media} from './ha-media.ts';
import {facilities, ownTimes, times} from './ha-words.ts';
import type {HaConfig, Span} from './model.ts';
import type {Reporter} from './reader.ts';

export type Own = {-readonly [Key in keyof HaConfig['hactl']]: HaConfig['hactl'][Key]};

/** The settings of the lines before this one. */
export interface Draft {
  readonly times: WrittenTimes;
  readonly media: Media;
  readonly own: Own;
  readonly texts: {logFile?: string; debugFile?: string; logFacility?: string; watchdog?: string};
  readonly nodes: {span: Span; name: string}[];
  readonly pings: string[];
  readonly pingGroups: {name: string; members: string[]}[];
  readonly respawns: {span: Span; user: string; command: string[]; failfast: boolean}[];
  readonly stonith: {span: Span; from: string; words: string[]}[];
  readonly apiauth: {client: string; words: string[]}[];
  autoFailback?: HaConfig['autoFailback'];
  cluster: string;
  debug: number;
  realtime: boolean;
  rtPriority: number;
  ipfail: boolean;
  hopfudge: number;
}

/** heartbeat's time directives and ours. True when the line was one of them. */
export function parseTimeLine(line: HaLine, draft: Draft, reporter: Reporter): boolean {
  const {name, rest, value, whole} = line;
  if ((times as readonly string[]).includes(name)) {
    const taken = line.time();
    if (reporter.mode === 'strict' && /\ds/i.test(value))
      line.wrong(
        `"${value}": heartbeat knows no unit s`,
        'its units are ms and us; a plain number is seconds',
      );
    else if (taken !== undefined && taken <= 0)
      line.wrong(`${name} must be longer than 0`, 'write a time such as 2 or 200ms');
    else if (taken !== undefined)
      draft.times[name as (typeof times)[number]] = {value: taken, span: rest[0]?.span ?? whole};
    return true;
  }
  if (!(name in ownTimes)) return false;
  const taken = line.time();
  if (taken === undefined) return true;
  if (name === 'hactl_lease' && taken % 1_000 !== 0)
    line.wrong(
      'a lease is a whole number of seconds',
      'the kernel counts leases in seconds: hactl_lease 3, or 0 for none',
    );
  else draft.own[ownTimes[name as keyof typeof ownTimes]] = taken;
  return true;
}

export function parseFacility(line: HaLine, {texts}: Draft): void {
  if (!line.wants('FACILITY|none') || line.value === 'none') return;
  const facility = line.value.toLowerCase();
  if (facilities.includes(facility)) texts.logFacility = facility;
  else line.wrong(`Log facility(${line.value}) not valid`, `none, or one of ${facilities.join(', ')}`);
}

/** `hactl_track_script TIME /PATH ARGUMENTS…`. */
export function parseTrackScript(line: HaLine, hactl: Own): void {
  if (!line.wants('TIME /PATH ARGUMENTS…', 2)) return;
  const every = line.time();
  const [, file] = line.rest;
  if (file && !file.text.startsWith('/'))
    line.wrong(`"${file.text}" is not an absolute path`, 'write /usr/local/bin/check-uplink', file.span);
  else if (every !== undefined && every < 100) line.wrong('the interval is too short', 'write 100ms or more');
  else if (every !== undefined)
    hactl.trackScripts = [...hactl.trackScripts, {every, words: line.rest.slice(1).map(({text}) => text)}];
}

/** `auto_failback on|off|legacy`; nice_failback is the old name with the opposite meaning. */
export function parseFailback(line: HaLine, draft: Draft, reporter: Reporter): void {
  const auto = line.name === 'auto_failback';
  if (line.value.toLowerCase() === 'legacy' && auto) {
    draft.autoFailback = 'legacy';
    return;
  }
  const taken = line.boolean();
  if (taken === undefined) return;
  if (!auto)
    reporter.add(
      'warning',
      'deprecated',
      line.head.span,
      'nice_failback is the old, opposite name',
      `write auto_failback ${taken ? 'off' : 'on'}`,
    );
  draft.autoFailback = auto === taken ? 'on' : 'off';
}

/** `respawn USER /PATH ARGUMENTS…`; ipfail is part of hactl. */
export function parseRespawn(line: HaLine, draft: Draft, reporter: Reporter): void {
  if (!line.wants('USER /PATH ARGUMENTS…', 2)) return;
  const {rest, whole} = line;
  const [user = '', ...command] = rest.map((word) => word.text);
  if ((command[0] ?? '').endsWith('/ipfail')) {
    draft.ipfail = true;
    reporter.add(
      'notice',
      'builtin-ipfail',
      rest[1]?.span ?? whole,
      'ipfail is built in',
      'the path is not used and need not exist',
    );
  } else if (!(command[0] ?? '').startsWith('/'))
    line.wrong(
      'the program of a respawn line is an absolute path',
      `${line.name} USER /PATH ARGUMENTS…`,
      rest[1]?.span,
    );
  else draft.respawns.push({span: whole, user, command, failfast: line.name === 'failfast'});
}
