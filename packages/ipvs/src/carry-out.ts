/**
 * Executes a plan entry by entry: a refusal by the kernel is reported and does not stop the rest. If the table changed since
 * it was read (somebody deleted or added a server), the operation that fits now is tried instead.
 */
import {IpvsError} from './error.ts';
import type {IpvsClient, Operation} from './model.ts';
import {keyText} from './plan.ts';

/** The result of one operation of a plan. */
export interface OperationOutcome {
  readonly operation: Operation;
  /** The kernel refused it. */
  readonly error?: IpvsError;
  /** The table had changed since it was read: another operation was executed instead, or none was needed. */
  readonly differs?: true;
}

const serviceText = (operation: Operation): string =>
  keyText('service' in operation ? operation.service.key : operation.key);

/**
 * What to try after this answer of the kernel: another operation, nothing because the entry is as desired (`as-wanted`), or
 * undefined: refused. Pure.
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
 * Executes the operations in order, with results in the same order. Operations on a refused service are skipped without a
 * result. Throws only errors other than IpvsError.
 */
export async function carryOut(
  ipvs: Pick<IpvsClient, 'apply'>,
  operations: readonly Operation[],
): Promise<readonly OperationOutcome[]> {
  const outcomes: OperationOutcome[] = [];
  /** Services that could not be added: their servers cannot be either. */
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
