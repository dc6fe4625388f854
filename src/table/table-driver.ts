/** The kernel's table: read and changed, one thing after another. */
import {IpvsError, keyText, type IpvsClient, type Operation, type ServiceKey} from '@hactl/ipvs';
import {blocks} from './entries.ts';
import type {Outcome} from './refusals.ts';
import type {TableEvent} from './slice.ts';

type Answer = Extract<TableEvent, {type: 'table-read' | 'table-failed' | 'table-applied'}>;

export interface TableDriver {
  /** The whole table, or these services only: a look at one costs the same whatever the table's size. */
  read(only?: readonly ServiceKey[]): void;
  /** In this order; one that the kernel refuses does not stop the others. */
  apply(operations: readonly Operation[]): void;
  /** Resolves when nothing is under way. */
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
    return {type: 'table-read', table: found.filter((one) => one !== undefined), only: keys};
  }

  async function apply(operations: readonly Operation[]): Promise<Answer> {
    const ipvs = options.ipvs();
    if (!ipvs) return {type: 'table-failed', reason: 'IPVS is not open'};
    const outcomes: Outcome[] = [];
    const refused: Operation[] = [];
    for (const operation of operations) {
      // Nothing can go into a service that the kernel has just refused.
      if (refused.some((one) => blocks(one, operation, []))) continue;
      try {
        // oxlint-disable-next-line no-await-in-loop -- the plan's order is a promise: new servers before old ones go.
        await ipvs.apply(operation);
        outcomes.push({operation});
      } catch (error) {
        // Anything but the kernel's refusal is a fault of the way there.
        if (!(error instanceof IpvsError)) throw error;
        refused.push(operation);
        outcomes.push({operation, error: error.code});
      }
    }
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
