export * from './assert.ts';
export * from './backoff.ts';
export * from './bytes.ts';
export * from './lateness.ts';
export * from './process-group.ts';
export * from './random.ts';
export * from './result.ts';
export * from './time.ts';
