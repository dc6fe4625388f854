export {planDaemons, wantedDaemons, type SyncOperation} from './control.ts';
export {openRecentSync} from './driver-recent-sync.ts';
export * from './message.ts';
export type * from './messages.ts';
