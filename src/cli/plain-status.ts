/**
 * The command that is typed most, as it is typed most: `hactl [--run-dir DIR] status [--json]`. Building the command tree takes
 * longer than the answer; every other command line is commander's, which also explains a wrong one. Pure.
 */
export interface PlainStatus {
  /** undefined: the default. */
  readonly runDir?: string;
  readonly json: boolean;
}

/** undefined: another command, or one that only commander understands. */
export function plainStatus(words: readonly string[]): PlainStatus | undefined {
  const [first = '', second = ''] = words;
  const equal = '--run-dir=';
  const [runDir, rest] =
    first === '--run-dir'
      ? [second, words.slice(2)]
      : first.startsWith(equal)
        ? [first.slice(equal.length), words.slice(1)]
        : [undefined, words];
  const [command, option, ...more] = rest;
  const known = command === 'status' && (option === undefined || option === '--json') && more.length === 0;
  if (!known || runDir === '' || runDir?.startsWith('-')) return undefined;
  return {...(runDir === undefined ? {} : {runDir}), json: option === '--json'};
}
