export {planDaemons, wantedDaemons, type SyncOperation} from './control.ts';
export {openTrust} from './driver-trust.ts';
export * from './message.ts';
export type * from './messages.ts';
