/** ha.cf → the model. Pure. */
import {cleanText} from './clean-text.ts';
import {nearest, type Diagnostic} from './diagnostic.ts';
import {
  parseFacility,
  parseFailback,
  parseRespawn,
  parseTimeLine,
  parseTrackScript,
  type Draft,
} from './ha-directives.ts';
import {finishNeeds, finishTimes} from './ha-finish.ts';
import {haLines, type HaLine} from './ha-line.ts';
import {noMedia, parseMedium} from './ha-media.ts';
import {parseMembers} from './ha-nodes.ts';
import {operationWords, parseOperation} from './ha-operation.ts';
import {parseApiauth, parseOutside} from './ha-outside.ts';
import {DEFAULT_PEER_PORT, parsePeer} from './ha-peer.ts';
import {parseResourceRule} from './ha-resource.ts';
import {DEFAULT_SYNC_DELAY, DEFAULT_SYNC_PORT, parseSync} from './ha-sync.ts';
import {parseVerdict, verdictWords} from './ha-verdicts.ts';
import {explained, known, refusedWords} from './ha-words.ts';
import type {HaConfig, Mode} from './model.ts';
import {linesOf, Reporter, type Line, type Resolver} from './reader.ts';

interface Tools {
  readonly reporter: Reporter;
  readonly resolver: Pick<Resolver, 'host'> | undefined;
}

/** Parses one file. Without a resolver, host names are refused. */
export function parseHaCf(
  source: {readonly path: string; readonly text: string},
  options: {readonly mode: Mode; readonly resolve?: Pick<Resolver, 'host'>},
): {model: HaConfig; diagnostics: Diagnostic[]} {
  const reporter = new Reporter(source.path, options.mode);
  const tools = {reporter, resolver: options.resolve};
  const draft: Draft = {
    times: {},
    media: noMedia(),
    own: {
      vipLease: 3_000,
      preemptDelay: 0,
      holddown: 0,
      standbyChecks: true,
      trackInterfaces: [],
      trackScripts: [],
      resources: [],
      sync: 'multicast',
      syncPort: DEFAULT_SYNC_PORT,
      syncDelay: DEFAULT_SYNC_DELAY,
      syncDeadline: 30_000,
      ipvs: {},
      peerPort: DEFAULT_PEER_PORT,
      peerAddresses: [],
    },
    texts: {},
    nodes: [],
    pings: [],
    pingGroups: [],
    respawns: [],
    stonith: [],
    apiauth: [],
    cluster: 'linux-ha',
    debug: 0,
    realtime: true,
    rtPriority: 50,
    ipfail: false,
    hopfudge: 1,
  };
  const text = cleanText(source.text, reporter);
  for (const raw of linesOf(text ?? '')) {
    for (const line of haLines(raw, reporter)) parseKnown(line, raw, draft, tools);
  }
  const filled = finishTimes(draft.times, reporter);
  const start = reporter.span(0, Math.max(1, source.text.indexOf('\n')));
  if (text !== undefined)
    finishNeeds(
      {
        media: draft.media.list.length,
        nodes: draft.nodes.length,
        failbackSaid: draft.autoFailback !== undefined,
      },
      start,
      reporter,
    );
  const {times: _, media, own, texts, autoFailback, ...rest} = draft;
  return {
    model: {
      path: source.path,
      ...filled,
      ...rest,
      ...texts,
      media: media.list,
      autoFailback: autoFailback ?? 'legacy',
      hactl: own,
    },
    diagnostics: reporter.diagnostics,
  };
}

/** The line, with the correct name where only the case is wrong. */
function parseKnown(line: HaLine, raw: Line, draft: Draft, tools: Tools): void {
  const {reporter} = tools;
  const {name, head} = line;
  if (known.includes(name)) {
    parseLine(line, draft, tools);
    return;
  }
  const near = nearest(name, known);
  if (near === undefined || near !== name.toLowerCase()) {
    reporter.error(
      'unknown-directive',
      head.span,
      `unknown directive ${name}`,
      near === undefined ? 'docs/configuration.md lists every directive' : `did you mean ${near}?`,
    );
    return;
  }
  const fix = [{span: head.span, replacement: near}];
  const message = `directive names are written in lower case: ${name}`;
  const meant = reporter.repair('misspelled', head.span, message, near, fix)
    ? haLines(raw, reporter, near)
    : [];
  for (const each of meant) parseLine(each, draft, tools);
}

function parseLine(line: HaLine, draft: Draft, {reporter, resolver}: Tools): void {
  const {name, head, value} = line;
  const {own, texts} = draft;
  if (parseTimeLine(line, draft, reporter)) return;
  if (name in refusedWords) {
    reporter.error('refused-directive', head.span, `${name} is not supported`, refusedWords[name] ?? '');
    return;
  }
  if (name in explained) {
    if (name === 'apiauth') parseApiauth(line, draft, reporter);
    if (name === 'hopfudge') draft.hopfudge = line.number(0, 255) ?? draft.hopfudge;
    reporter.add('notice', 'ignored-directive', head.span, `${name} has no effect`, explained[name]);
    return;
  }
  if (verdictWords.includes(name)) return parseVerdict(line, own);
  if (operationWords.includes(name)) return parseOperation(line, own);
  if (parseMedium(line, draft.media, resolver, reporter)) return;
  if (parseMembers(line, draft, resolver, reporter) || parseOutside(line, draft, reporter)) return;
  switch (name) {
    case 'auto_failback':
    case 'nice_failback':
      parseFailback(line, draft, reporter);
      break;
    case 'logfile':
      if (line.wants('PATH')) texts.logFile = value;
      break;
    case 'debugfile':
      if (line.wants('PATH')) texts.debugFile = value;
      break;
    case 'logfacility':
      parseFacility(line, draft);
      break;
    case 'debug':
      draft.debug = line.number(0, 255) ?? draft.debug;
      if (draft.debug > 0)
        reporter.add(
          'notice',
          'ignored-directive',
          head.span,
          'debug has no effect',
          'debug messages go to debugfile, and with hactld --log-level debug to the log',
        );
      break;
    case 'respawn':
    case 'failfast':
      parseRespawn(line, draft, reporter);
      break;
    case 'cluster':
      if (line.wants('NAME')) draft.cluster = value;
      break;
    case 'realtime':
      draft.realtime = line.boolean() ?? draft.realtime;
      break;
    case 'rtprio':
      draft.rtPriority = line.number(1, 99) ?? draft.rtPriority;
      break;
    case 'hactl_fence':
      if (line.wants('/PATH ARGUMENTS…')) own.fence = line.remainder;
      break;
    case 'hactl_drill':
      if (line.wants('MINUTE HOUR DAY MONTH WEEKDAY', 5)) own.drillSchedule = line.remainder;
      break;
    case 'hactl_standby_checks':
      own.standbyChecks = line.boolean() ?? own.standbyChecks;
      break;
    case 'hactl_sync':
    case 'hactl_sync_delay':
    case 'hactl_sync_port':
    case 'hactl_ipvs':
      parseSync(line, own);
      break;
    case 'hactl_peer':
    case 'hactl_peer_port':
    case 'hactl_push':
      parsePeer(line, own, resolver, reporter);
      break;
    case 'hactl_track_interface':
      if (line.wants('INTERFACE…'))
        own.trackInterfaces = [...own.trackInterfaces, ...line.rest.map(({text}) => text)];
      break;
    case 'hactl_track_script':
      parseTrackScript(line, own);
      break;
    case 'hactl_resource': {
      const rule = parseResourceRule(line);
      if (rule) own.resources = [...own.resources, rule];
      break;
    }
  }
}
