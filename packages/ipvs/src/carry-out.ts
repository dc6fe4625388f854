/**
 * Carries a plan out, each entry for itself: what the kernel refuses is told and stops nothing else. Where the table
 * changed since it was read (somebody deleted a server, or added it), the operation that fits now is tried instead.
 */
import {IpvsError} from './error.ts';
import type {IpvsClient, Operation} from './model.ts';
import {destinationText, keyText} from './plan.ts';

export interface RefusedOperation {
  readonly operation: Operation;
  readonly error: IpvsError;
}

export interface PlanResult {
  readonly done: number;
  /** In the order of the plan. What needs a service that was refused is not tried, and not listed. */
  readonly refused: readonly RefusedOperation[];
}

/** Which entry of the table an operation is about, as text: a service, or one of its servers. */
export const entryText = (operation: Operation): string =>
  'service' in operation
    ? keyText(operation.service.key)
    : operation.type === 'del-service'
      ? keyText(operation.key)
      : `${destinationText(operation.destination)} of ${keyText(operation.key)}`;

const serviceText = (operation: Operation): string =>
  keyText('service' in operation ? operation.service.key : operation.key);

/**
 * What to try when the kernel answers so: another operation, nothing because it is as wanted (`as-wanted`), or undefined:
 * it is refused. Pure.
 */
export function instead(operation: Operation, code: string): Operation | 'as-wanted' | undefined {
  switch (operation.type) {
    case 'new-service':
      return code === 'EEXIST' ? {...operation, type: 'set-service'} : undefined;
    case 'set-service':
      return code === 'ESRCH' ? {...operation, type: 'new-service'} : undefined;
    case 'new-dest':
      return code === 'EEXIST' ? {...operation, type: 'set-dest'} : undefined;
    case 'set-dest':
      return code === 'ENOENT' ? {...operation, type: 'new-dest'} : undefined;
    case 'del-service':
      return code === 'ESRCH' ? 'as-wanted' : undefined;
    case 'del-dest':
      return code === 'ENOENT' || code === 'ESRCH' ? 'as-wanted' : undefined;
  }
}

/** Carries the operations out in their order. Throws only what is no IpvsError. */
export async function carryOut(
  ipvs: Pick<IpvsClient, 'apply'>,
  operations: readonly Operation[],
): Promise<PlanResult> {
  const refused: RefusedOperation[] = [];
  /** Services that could not be made: their servers have no place. */
  const missing = new Set<string>();
  let done = 0;
  const attempt = async (operation: Operation): Promise<IpvsError | undefined> => {
    try {
      await ipvs.apply(operation);
      return undefined;
    } catch (error) {
      if (error instanceof IpvsError) return error;
      throw error;
    }
  };
  for (const operation of operations) {
    if (missing.has(serviceText(operation))) continue;
    // oxlint-disable no-await-in-loop -- the order counts.
    let error = await attempt(operation);
    const other = error && instead(operation, error.code);
    if (other === 'as-wanted') error = undefined;
    else if (other) error = await attempt(other);
    // oxlint-enable no-await-in-loop
    if (!error) {
      done += 1;
      continue;
    }
    refused.push({operation, error});
    if (operation.type === 'new-service') missing.add(serviceText(operation));
  }
  return {done, refused};
}
