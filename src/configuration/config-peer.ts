/** Whether both directors have the same configuration; if not, the first directive that differs. */
import {compareFacts, pairFacts, type Fact, type FactChange} from '@hactl/config';
import type {ConfigDifference} from '../control/protocol.ts';
import type {Loaded} from './loaded.ts';

/** From the local to the peer's value, in the order of the files. */
export const differencesTo = (running: Loaded, peer: readonly Fact[]): FactChange[] =>
  compareFacts(pairFacts(running.cluster), peer);

/** The sentence for the status and the log. */
export function differenceText({peer, count, first, problem}: ConfigDifference): string {
  const head = `configuration differs from ${peer}'s`;
  if (!first) return problem === undefined ? head : `${head}; details unknown: ${problem}`;
  const {file, directive, from, to} = first;
  const more = count > 1 ? ` (and ${count - 1} more: hactl config diff --peer)` : '';
  return `${head}: ${file.split('/').at(-1)}: ${directive}: ${from ?? 'not'} here, ${to ?? 'not'} there${more}`;
}
