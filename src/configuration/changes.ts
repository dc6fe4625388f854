/** What a reload would change, directive by directive, and what needs a restart. Pure. */
import {compareFacts, configFacts, type FactChange} from '@hactl/config';
import type {Plan, PlannedChange} from '../control/answers.ts';
import type {Loaded} from './loaded.ts';

/** Read once, when the engine starts. */
const atStart: ReadonlySet<string> = new Set(['realtime', 'rtprio']);

const refusals: Readonly<Record<string, string>> = {
  node: 'the nodes of ha.cf changed: this needs a restart of hactld',
  cluster:
    'the name of the cluster changed: directors with different names do not hear each other; stop both, then start them',
};

/** Connections that are in the kernel now, by the names of services and real servers. */
export type Connections = (virtual: string, real?: string) => number;

/** The differences between the running and the new configuration, in the order of the files. */
export function planChanges(running: Loaded, next: Loaded, connections: Connections = () => 0): Plan {
  if ((running.engine === undefined) !== (next.engine === undefined))
    return {rows: [], refused: 'ha.cf came or went: a pair and a single director need a restart of hactld'};
  const changes = compareFacts(configFacts(running.cluster), configFacts(next.cluster));
  // An added or removed service is one line plus one per real server, not one per directive.
  const whole = new Set(
    changes.flatMap((change) =>
      change.of !== undefined && change.directive === `virtual ${change.of}` ? [change.of] : [],
    ),
  );
  const rows = changes
    .filter(
      ({of, kind, directive}) =>
        of === undefined || !whole.has(of) || kind === 'real' || directive === `virtual ${of}`,
    )
    .map((change): PlannedChange => ({
      kind: change.kind,
      file: change.file,
      what: change.directive,
      ...(change.from === undefined ? {} : {from: change.from}),
      ...(change.to === undefined ? {} : {to: change.to}),
      effect: effectOf(change, connections),
    }));
  const refused = changes.map(({directive}) => refusals[directive]).find((text) => text !== undefined);
  return {rows, ...(refused === undefined ? {} : {refused})};
}

function effectOf(change: FactChange, connections: Connections): string {
  const {kind, directive, from, to, of = ''} = change;
  if (refusals[directive] !== undefined) return 'REFUSED: needs a restart';
  if (atStart.has(directive)) return 'after a restart of hactld';
  const ending = (count: number): string =>
    count === 0 ? 'no connection is on it' : `ENDS ${count} CONNECTION${count === 1 ? '' : 'S'}`;
  switch (kind) {
    case 'interval':
      return 'live, once the peer has the same configuration';
    case 'key':
      return directive === 'auth' ? 'live: the peer must have this key already' : 'live';
    case 'service':
      if (directive !== `virtual ${of}`) return 'live, for new connections';
      return to === undefined ? ending(connections(of)) : 'live';
    case 'real':
      if (from === undefined) return 'after its first passed check';
      return to === undefined
        ? ending(connections(of, directive.slice(`${of} real `.length)))
        : 'live, for new connections';
    case 'address':
      if (from === undefined) return 'the Active director takes it';
      return to === undefined ? 'removed from the interface' : 'live';
    case 'group':
    case 'check':
    case 'setting':
      return 'live';
  }
}

/** One row as a log line. */
export const describeChange = ({what, from, to}: PlannedChange): string => {
  if (from === undefined) return to === 'on' ? `${what} added` : `${what} added: ${to ?? ''}`;
  return to === undefined ? `${what} removed` : `${what}: ${from} -> ${to}`;
};
