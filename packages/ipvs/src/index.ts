export {IpvsError} from './error.ts';
export {openKernelIpvs} from './kernel.ts';
export type * from './model.ts';
export {destinationText, keyText, plan, sameService, type PlanOptions} from './plan.ts';
export {
  isReserved,
  isReservedAddress,
  RESERVED_NETWORK,
  reservedDestination,
  reservedService,
} from './reserved.ts';
export {carryOut, type OperationOutcome} from './carry-out.ts';
