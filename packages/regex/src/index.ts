export {matches, SlowMatch} from './match.ts';
export {receiveMatches, receivePattern, textMatches} from './perl-regex.ts';
export {translatePosixRegex} from './posix-regex.ts';
export {translatePerlRegex} from './translate.ts';
