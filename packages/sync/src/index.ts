export {planDaemons, wantedDaemons, type SyncOperation} from './control.ts';
export * from './message.ts';
export type * from './messages.ts';
