export * from './advert.ts';
export {makeTag, methodNumber, sameTag, shortHash, tagLength} from './auth.ts';
export {sendDeathNotice} from './death-notice.ts';
export * from './intervals.ts';
export {advertOf, hearsUs, initialState, nextDeadline, step, type Step} from './machine.ts';
export type * from './messages.ts';
export {priorityOf} from './priority.ts';
export * from './replay.ts';
export type * from './state.ts';
