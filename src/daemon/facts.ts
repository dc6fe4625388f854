/** Facts → log lines. Sentences are made here and in the journal's drafts, and never parsed. Pure. */
import {differenceText} from '../configuration/config-peer.ts';
import {describeCertificate, describeDrift, describeOperation, describeRefusal} from '../table/describe.ts';
import {MAINTENANCE_REASON} from '../operators/maintenance.ts';
import {withCause} from '../system/exit-cause.ts';
import type {Level} from '../system/log.ts';
import type {CoreEffect} from './core.ts';

export interface Line {
  readonly level: Level;
  readonly text: string;
}

const goesOn: Readonly<Record<string, string>> = {
  failover: 'restarting it',
  checks: 'the table stays as it is, restarting it',
  sync: "the kernel's daemon continues, restarting it",
};

/** The log line of an effect; undefined if it is not logged. */
export function linesOf(effect: CoreEffect): readonly Line[] {
  const line = (level: Level, text: string): readonly Line[] => [{level, text}];
  switch (effect.type) {
    case 'child-log':
      return line(effect.level, `${effect.name}: ${effect.message}`);
    case 'child-died':
      return line(
        'error',
        `${processName(effect.name)} ended (${withCause(effect.how)}); ${goesOn[effect.name] ?? ''}`,
      );
    case 'engine-ready':
      return line('info', `failover engine runs: ${effect.realtime}`);
    case 'transition': {
      const {group, from, to, reason} = effect.transition;
      return line('info', `${group}: ${from} -> ${to}: ${reason}`);
    }
    case 'unfit':
      return line('error', `the peer can serve what this director cannot: ${effect.reason}`);
    case 'verdict-changed': {
      const {id, state, reason} = effect.report;
      return line(state === 'down' ? 'warn' : 'info', `${id} is ${state}: ${reason}`);
    }
    case 'certificate-ends': {
      const {id, certificate} = effect.report;
      return line(certificate ? 'warn' : 'info', describeCertificate(id, certificate));
    }
    case 'table-changed':
      return line('info', describeOperation(effect.operation));
    case 'table-drifted':
      return line('warn', describeDrift(effect.drift));
    case 'entry-refused':
      return line('error', describeRefusal(effect.refusal, false));
    case 'entry-accepted':
      return line('info', describeRefusal(effect.refusal, true));
    case 'table-unreachable':
      return line('error', `IPVS table: ${effect.reason}; retrying every second`);
    case 'settling':
      return line(
        'info',
        effect.over
          ? 'the peer has the same configuration: the new intervals take effect'
          : 'the new intervals wait until the peer has the same configuration',
      );
    case 'difference':
      return line('warn', differenceText(effect.difference));
    case 'order-given': {
      const reason = effect.reason === undefined ? '' : ` (${effect.reason})`;
      return effect.lines.map((text) => ({level: 'info', text: `order by ${effect.who}: ${text}${reason}`}));
    }
    case 'orders-merged':
      return line(
        'info',
        `overrides from the other director: ${effect.added} added, ${effect.ended} revoked`,
      );
    case 'maintenance-changed':
      return line('info', `${effect.id}: ${effect.on ? MAINTENANCE_REASON : 'maintenance is over'}`);
    case 'exchange-problem':
      return line('warn', `overrides of real servers differ between the directors: ${effect.problem}`);
    case 'fence-self':
      return line('error', `${effect.reason}: requesting that this machine be fenced`);
    default:
      return [];
  }
}

const processName = (name: string): string =>
  name === 'failover' ? 'the failover engine' : `the ${name} process`;
