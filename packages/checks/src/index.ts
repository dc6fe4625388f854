export {startChecks, type ChecksDriver} from './driver.ts';
export type * from './messages.ts';
export {firstDue, nextDue, SLOT, slotOf} from './schedule.ts';
export {freshReport, judge, nextKind, type ProbeResult} from './verdict.ts';
