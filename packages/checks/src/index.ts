export {startChecks, type ChecksDriver} from './driver.ts';
export type * from './messages.ts';
export {firstDue, nextDue, SLOT, slotOf} from './schedule.ts';
export {initialReport, nextReport, nextKind, type ProbeResult} from './verdict.ts';
