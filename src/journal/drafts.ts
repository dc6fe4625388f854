/** Events → the text and the fields that the journal keeps. Pure. */
import type {CheckReport} from '@hactl/checks';
import type {ResourceGroup} from '@hactl/config';
import type {FromEngine, Transition} from '@hactl/failover';
import type {Operation} from '@hactl/ipvs';
import type {Answerer, Answers} from '../control/answers.ts';
import type {Command, CommandName} from '../control/protocol.ts';
import type {EventDraft, EventKind} from '../control/events.ts';
import {describeCertificate, describeDrift, describeOperation, describeRefusal} from '../table/describe.ts';
import type {Drift} from '../table/entries.ts';
import type {Refusal} from '../table/refusals.ts';
import {resourceKind} from '../resources/resources.ts';
import {withCause} from '../system/exit-cause.ts';
import {serviceName} from '../table/services.ts';

/** The subject of each engine code; a code that is not listed is about the engine itself. */
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

/** A role change, with the engine's timestamp. */
export const transitionDraft = ({vrid, group, from, to, reason, wall}: Transition): EventDraft => ({
  kind: 'role',
  level: 'info',
  subject: group,
  text: `${group}: ${from} -> ${to}: ${reason}`,
  data: {vrid, from, to, reason},
  wall,
});

/** A message from the engine. */
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

/** A server's certificate expires soon, or was renewed in time. */
export const ofCertificate = ({id, certificate}: CheckReport): EventDraft => ({
  kind: 'check',
  level: certificate ? 'warn' : 'info',
  subject: id,
  text: describeCertificate(id, certificate),
  data: certificate ? {certificate: certificate.date, days: certificate.days} : {},
});

export const ofOperation = (operation: Operation): EventDraft => ({
  kind: 'table',
  level: 'info',
  subject: serviceName('service' in operation ? operation.service.key : operation.key),
  text: describeOperation(operation),
});

/** Something else changed the table, and hactld corrected it. */
export const ofDrift = (drift: readonly Drift[]): EventDraft => ({
  kind: 'table',
  level: 'warn',
  subject: 'drift',
  text: describeDrift(drift),
  data: {entries: drift.length},
});

/** The kernel refuses an entry of the table, or accepts it after all. */
export const ofRefusal = (refusal: Refusal, accepted: boolean): EventDraft => ({
  kind: 'table',
  level: accepted ? 'info' : 'error',
  subject: serviceName(
    'service' in refusal.operation ? refusal.operation.service.key : refusal.operation.key,
  ),
  text: describeRefusal(refusal, accepted),
  data: {refused: !accepted},
});

export const ofUnfit = (reason: string): EventDraft => ({
  kind: 'ready',
  level: 'error',
  subject: 'ready',
  text: `this director does not serve what is configured and its peer can: ${reason}; the groups are offered to the peer`,
});

/** One of our processes ended unexpectedly. */
export const ofDeath = (name: string, how: string): EventDraft => ({
  kind: 'process',
  level: 'error',
  subject: name,
  text: `the ${name} process ended (${withCause(how)}); restarting it`,
  data: {how},
});

/** A command that changes something, as typed; undefined: it only queries. */
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

/** Why an answer is negative; undefined: it is positive or neither. */
function refusalIn(answer: Answers[CommandName]): string | undefined {
  if (!('ok' in answer) || answer.ok) return undefined;
  if ('reason' in answer) return answer.reason;
  return 'text' in answer ? answer.text : 'the files have errors';
}

/** Answers commands as `answer` does, and journals an operator's action before it is carried out, and its result. */
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

/** The scripts of a haresources line ran; most lines have none. */
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
