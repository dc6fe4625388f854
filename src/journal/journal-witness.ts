/** What the children say → what the journal keeps of it. Remembers only what it needs to see a change. */
import type {Clock, Instant} from '@hactl/base';
import type {CheckReport} from '@hactl/checks';
import type {ResourceGroup} from '@hactl/config';
import type {EngineStatus, FromEngine, PathStatus, Transition} from '@hactl/failover';
import type {Operation} from '@hactl/ipvs';
import type {SyncStatus} from '@hactl/sync';
import type {Answerer, Answers} from '../control/answers.ts';
import type {Command, CommandName} from '../control/protocol.ts';
import type {EventDraft, EventKind} from '../control/events.ts';
import {describeOperation} from '../table/describe.ts';
import {resourceKind} from '../resources/resources.ts';
import {serviceName} from '../table/services.ts';

/** Datagrams that are refused may come by the thousand: at most one event for each kind of fault in this time, in ms. */
const FAULT_EVERY = 60_000;

/** What the engine's codes are about; a code that is not here is the engine itself. */
const engineKinds: Readonly<Record<string, EventKind>> = {
  'peer-dead': 'peer',
  'peer-up': 'peer',
  'late-heartbeat': 'peer',
  fenced: 'peer',
  'fence-failed': 'peer',
  conflict: 'address',
  'duplicate-address': 'address',
  'address-gone': 'address',
  'acquire-failed': 'address',
  'release-failed': 'address',
  'prepare-failed': 'resource',
  'handover-failed': 'role',
  'ping-lost': 'ping',
  'ping-back': 'ping',
};

/** A change of role; its time is the engine's own. */
export const ofTransition = ({vrid, group, from, to, reason, wall}: Transition): EventDraft => ({
  kind: 'role',
  level: 'info',
  subject: group,
  text: `${group}: ${from} -> ${to}: ${reason}`,
  data: {vrid, from, to, reason},
  wall,
});

/** A message of the engine. */
export function ofEngineEvent(event: Extract<FromEngine, {type: 'event'}>): EventDraft {
  const {level, code, message, wall, peer, silence} = event;
  const kind = engineKinds[code] ?? 'process';
  return {
    kind,
    level: level === 'debug' ? 'info' : level,
    subject: peer ?? (kind === 'process' ? 'failover' : code),
    text: message,
    data: {code, ...(silence === undefined ? {} : {silence})},
    ...(wall === undefined ? {} : {wall}),
  };
}

export const ofVerdict = ({id, state, reason}: CheckReport): EventDraft => ({
  kind: 'check',
  level: state === 'down' ? 'warn' : 'info',
  subject: id,
  text: `${id} is ${state}: ${reason}`,
  data: {state},
});

export const ofOperation = (operation: Operation): EventDraft => ({
  kind: 'table',
  level: 'info',
  subject: serviceName('service' in operation ? operation.service.key : operation.key),
  text: describeOperation(operation),
});

/** A process of ours that ended unasked. */
export const ofDeath = (name: string, how: string): EventDraft => ({
  kind: 'process',
  level: 'error',
  subject: name,
  text: `the ${name} process ended (${how}); it is started again`,
  data: {how},
});

/** Commands that change something, as they are typed; undefined: it only asks. */
export function commandText(command: Command): string | undefined {
  switch (command.command) {
    case 'reload':
      return command.command;
    case 'resync':
      return 'sync resync';
    case 'move':
      return `${command.move} ${command.scope}`;
    case 'push':
      return command.dryRun ? undefined : 'push';
    case 'config-rollback':
      return `config rollback ${command.version}`;
    case 'config-write':
      return command.dryRun
        ? undefined
        : `config write by ${command.who}: ${command.files.map(({name}) => name).join(', ')}`;
    default:
      return undefined;
  }
}

const operatorEvent = (subject: string, text: string, level: EventDraft['level']): EventDraft => ({
  kind: 'operator',
  level,
  subject,
  text: `hactl ${subject}${text}`,
});

/** Why an answer is a no; undefined: it is a yes, or neither. */
function refusalIn(answer: Answers[CommandName]): string | undefined {
  if (!('ok' in answer) || answer.ok) return undefined;
  if ('reason' in answer) return answer.reason;
  return 'text' in answer ? answer.text : 'the files have errors';
}

/** Answers commands as `answer` does, and journals what an operator did before it is done and what came of it. */
export const journalled =
  (record: (draft: EventDraft) => void, answer: Answerer): Answerer =>
  async (command, gone) => {
    const text = commandText(command);
    if (text === undefined) return answer(command, gone);
    record(operatorEvent(text, '', 'info'));
    try {
      const result = await answer(command, gone);
      const refusal = refusalIn(result);
      if (refusal === undefined) record(operatorEvent(text, ': done', 'info'));
      else record(operatorEvent(text, `: NOT done: ${refusal}`, 'warn'));
      return result;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      record(operatorEvent(text, `: NOT done: ${reason}`, 'warn'));
      throw error;
    }
  };

/** The scripts of a line of haresources ran; most lines have none. */
export const ofScripts = (
  group: ResourceGroup,
  action: string,
  {ok, reason}: {readonly ok: boolean; readonly reason: string},
): EventDraft[] => {
  const scripts = group.resources.filter((resource) => resourceKind(resource) === 'script');
  if (scripts.length === 0) return [];
  const names = scripts.map(({type}) => type).join(' ');
  return [
    {
      kind: 'resource',
      level: ok ? 'info' : 'error',
      subject: names,
      text: `scripts ${names}, ${action}: ${ok ? 'done' : `FAILED: ${reason}`}`,
    },
  ];
};

const pathEvent = (path: PathStatus, before: PathStatus, peers: string): EventDraft[] => {
  const {name} = path;
  const say = (level: 'warn' | 'info', text: string, data = {}): EventDraft[] => [
    {kind: 'path', level, subject: name, text: `${name}: ${text}`, data},
  ];
  if (path.error !== before.error && path.error !== undefined) return say('warn', path.error);
  if (before.hears && !path.hears) return say('warn', `deaf: nothing comes from ${peers}`, {hears: false});
  if (!before.hears && path.hears) return say('info', `${peers} is heard`, {hears: true});
  if (path.hears && before.heard && !path.heard)
    return say('warn', `${peers} does not hear this director on it`, {heard: false});
  if (path.hears && before.hears && !before.heard && path.heard)
    return say('info', `${peers} hears this director on it`, {heard: true});
  return [];
};

/** Compares each status of the engine and of the sync process with the one before. */
export function makeWitness(clock: Clock, record: (draft: EventDraft) => void) {
  let engine: EngineStatus | undefined;
  let sync: SyncStatus | undefined;
  let ready: boolean | undefined;
  const faultAt = new Map<string, Instant>();
  const faultSeen = new Map<string, number>();

  function faults({counters}: EngineStatus): void {
    for (const [code, count] of Object.entries(counters)) {
      const seen = faultSeen.get(code) ?? 0;
      if (!code.startsWith('fault-') || count === seen) continue;
      // A new engine counts from the start.
      if (count < seen) faultSeen.set(code, 0);
      if (clock.now() - (faultAt.get(code) ?? -Infinity) < FAULT_EVERY) continue;
      faultAt.set(code, clock.now());
      faultSeen.set(code, count);
      const name = code.slice(6);
      record({
        kind: 'path',
        level: 'warn',
        subject: code,
        text: `heartbeat datagrams refused: ${name} ${count - Math.min(seen, count)}, ${count} in all`,
        data: {count},
      });
    }
  }

  function engineStatus(status: EngineStatus): void {
    const peers = status.peers.map((peer) => peer.name).join(', ') || 'the peer';
    for (const path of status.paths) {
      const before = engine?.paths.find((one) => one.name === path.name);
      if (!before) continue;
      for (const draft of pathEvent(path, before, peers)) {
        const {lastHeardAgo} = path;
        // When it fell silent is known to the engine; that it did was noticed only now.
        const lastHeard =
          lastHeardAgo === undefined ? {} : {lastHeard: Math.round(clock.wall() - lastHeardAgo)};
        record({...draft, data: {...draft.data, ...lastHeard}});
      }
    }
    faults(status);
    engine = status;
  }

  function syncStatus(status: SyncStatus): void {
    const {report, problem} = status;
    if (problem !== undefined && problem !== sync?.problem)
      record({kind: 'sync', level: 'warn', subject: 'sync', text: `connection sync: ${problem}`});
    const before = sync?.report;
    if (report && report.phase !== before?.phase)
      record({
        kind: 'sync',
        level: report.phase === 'deadline' ? 'warn' : 'info',
        subject: 'sync',
        text: `connection sync: ${report.phase}: ${report.reason}`,
        data: {phase: report.phase, here: report.here, missing: report.missingHere},
      });
    else if (report && before && report.peer !== before.peer)
      record({
        kind: 'sync',
        level: 'info',
        subject: 'sync',
        text: `connection sync: the peer's process is ${report.peer ? 'heard' : 'not heard any more'}`,
      });
    sync = status;
  }

  return {
    engine: (message: FromEngine): void => {
      if (message.type === 'event') record(ofEngineEvent(message));
      else if (message.type === 'status') engineStatus(message.status);
      // Its paths begin anew: what was known of them is no change.
      else if (message.type === 'ready') engine = undefined;
    },
    sync: syncStatus,
    /** Only that it may, or may no longer: why it must still wait changes with every check. */
    ready: (may: boolean, reason: string): void => {
      if (may === ready) return;
      if (ready !== undefined || may)
        record({
          kind: 'ready',
          level: 'info',
          subject: 'ready',
          text: may ? `may take over by choice: ${reason}` : `must not take over by choice: ${reason}`,
          data: {ready: may},
        });
      ready = may;
    },
  };
}
