/** hactld's command line: the launcher validates it and passes it on to the supervisor. */
import {parseArgs} from 'node:util';
import {daemonOptions} from '../system/daemon-options.ts';

/** The options of a command line. Throws if it is wrong, or asks for the help or the version. */
export function parseDaemonWords(words: readonly string[]): Readonly<Record<string, string | boolean>> {
  const options = Object.fromEntries(
    daemonOptions.map(({name, value}) => [name, {type: value === undefined ? 'boolean' : 'string'} as const]),
  );
  const values = parseArgs({args: [...words], options}).values as Record<string, string | boolean>;
  for (const {name, choices} of daemonOptions) {
    const value = values[name];
    if (choices && typeof value === 'string' && !choices.includes(value))
      throw new Error(`${name}: ${value}`);
  }
  return values;
}

let own: ReturnType<typeof parseDaemonWords> | undefined;
const ownOptions = (): ReturnType<typeof parseDaemonWords> =>
  (own ??= parseDaemonWords(process.argv.slice(2)));

/** The value of one of this process's options, or its default. */
export const given = (name: string): string => {
  const value = ownOptions()[name];
  return typeof value === 'string'
    ? value
    : (daemonOptions.find((daemonOption) => daemonOption.name === name)?.fallback ?? '');
};

/** Whether this switch is there. */
export const isGiven = (name: string): boolean => ownOptions()[name] === true;
