/**
 * Carries a plan out, each entry on its own: what the kernel refuses is reported and stops nothing else. Where the table
 * changed since it was read (somebody deleted a server, or added it), the operation that fits now is tried instead.
 */
import {IpvsError} from './error.ts';
import type {IpvsClient, Operation} from './model.ts';
import {keyText} from './plan.ts';

/** What became of one operation of a plan. */
export interface OperationOutcome {
  readonly operation: Operation;
  /** The kernel refused it. */
  readonly error?: IpvsError;
  /** The table is not as it was read: another operation was carried out instead, or none was needed. */
  readonly differs?: true;
}

const serviceText = (operation: Operation): string =>
  keyText('service' in operation ? operation.service.key : operation.key);

/**
 * What to try after this answer of the kernel: another operation, nothing because it is as wanted (`as-wanted`), or undefined:
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

async function attempt(
  ipvs: Pick<IpvsClient, 'apply'>,
  operation: Operation,
): Promise<IpvsError | undefined> {
  try {
    await ipvs.apply(operation);
    return undefined;
  } catch (error) {
    if (error instanceof IpvsError) return error;
    throw error;
  }
}

async function carryOutOne(ipvs: Pick<IpvsClient, 'apply'>, operation: Operation): Promise<OperationOutcome> {
  const error = await attempt(ipvs, operation);
  if (!error) return {operation};
  const substitute = instead(operation, error.code);
  if (substitute === undefined) return {operation, error};
  const refused = substitute === 'as-wanted' ? undefined : await attempt(ipvs, substitute);
  return {operation, differs: true, ...(refused ? {error: refused} : {})};
}

/**
 * Carries the operations out in their order, and answers in that order. What needs a service that was refused is neither
 * tried nor answered. Throws only what is no IpvsError.
 */
export async function carryOut(
  ipvs: Pick<IpvsClient, 'apply'>,
  operations: readonly Operation[],
): Promise<readonly OperationOutcome[]> {
  const outcomes: OperationOutcome[] = [];
  /** Services that could not be added: their servers cannot be added either. */
  const missing = new Set<string>();
  for (const operation of operations) {
    if (missing.has(serviceText(operation))) continue;
    // oxlint-disable-next-line no-await-in-loop -- the plan's order is a promise: new servers before old ones go.
    const outcome = await carryOutOne(ipvs, operation);
    outcomes.push(outcome);
    if (outcome.error && operation.type === 'new-service') missing.add(serviceText(operation));
  }
  return outcomes;
}
