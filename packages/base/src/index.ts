export * from './assert.ts';
export * from './bytes.ts';
export * from './lateness.ts';
export {translatePerlRegex} from './perl-regex.ts';
export {translatePosixRegex} from './posix-regex.ts';
export * from './random.ts';
export * from './result.ts';
export * from './time.ts';
