export {IpvsError} from './error.ts';
export {openKernelIpvs} from './kernel.ts';
export type * from './model.ts';
export {destinationText, keyText, plan, sameService, type PlanOptions} from './plan.ts';
