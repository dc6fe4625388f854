/** The kernel's table: reads and changes, one at a time. */
import {carryOut, keyText, type IpvsClient, type Operation, type ServiceKey} from '@hactl/ipvs';
import type {Outcome} from './refusals.ts';
import type {TableEvent} from './slice.ts';

type Answer = Extract<TableEvent, {type: 'table-read' | 'table-failed' | 'table-applied'}>;

export interface TableDriver {
  /** Reads the whole table, or these services only: reading one costs the same whatever the table's size. */
  read(only?: readonly ServiceKey[]): void;
  /** Applies in this order; a refused operation does not stop the others. */
  apply(operations: readonly Operation[]): void;
  /** Resolves when nothing is in progress. */
  idle(): Promise<void>;
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export function driveTable(options: {
  readonly ipvs: () => IpvsClient | undefined;
  readonly feed: (event: Answer) => void;
}): TableDriver {
  let last: Promise<void> = Promise.resolve();

  async function read(only: readonly ServiceKey[] | undefined): Promise<Answer> {
    const ipvs = options.ipvs();
    if (!ipvs) return {type: 'table-failed', reason: 'IPVS is not open'};
    if (!only) return {type: 'table-read', table: await ipvs.list()};
    const keys = [...new Map(only.map((key) => [keyText(key), key])).values()];
    const found = await Promise.all(keys.map((key) => ipvs.get(key)));
    return {type: 'table-read', table: found.filter((observed) => observed !== undefined), only: keys};
  }

  async function apply(operations: readonly Operation[]): Promise<Answer> {
    const ipvs = options.ipvs();
    if (!ipvs) return {type: 'table-failed', reason: 'IPVS is not open'};
    const outcomes = (await carryOut(ipvs, operations)).map(({operation, error, differs}): Outcome => ({
      operation,
      ...(error ? {error: error.code} : {}),
      ...(differs ? {differs} : {}),
    }));
    return {type: 'table-applied', outcomes};
  }

  const queued = (work: () => Promise<Answer>): void => {
    last = last.then(async () => {
      const answer = await work().catch((error: unknown): Answer => ({
        type: 'table-failed',
        reason: reasonOf(error),
      }));
      options.feed(answer);
    });
  };

  return {
    read: (only) => queued(() => read(only)),
    apply: (operations) => queued(() => apply(operations)),
    idle: () => last,
  };
}
