/** Splits a command line into options the way popt does for ipvsadm. Pure. */
import {options, type Option} from './options.ts';

export interface OptionWord {
  readonly type: 'option';
  readonly option: Option;
  readonly value?: string;
  /** The last word read, which ipvsadm quotes when it refuses the option. */
  readonly text: string;
}

export interface BadWord {
  readonly type: 'bad';
  readonly text: string;
  readonly reason: 'unknown option' | 'missing argument' | 'option does not take an argument';
}

export interface Words {
  /** In the given order; a bad word is the last. */
  readonly read: readonly (OptionWord | BadWord)[];
  /** Words that are neither options nor their values. */
  readonly leftover: readonly string[];
}

/** Options may stand in any order among other words; `--` ends them. */
export function splitWords(words: readonly string[]): Words {
  const read: (OptionWord | BadWord)[] = [];
  const leftover: string[] = [];
  let next = 0;
  /** Reads an option and its value; false if a required value is missing. */
  const readOption = (option: Option, attached: string | undefined): boolean => {
    let value = attached;
    if (value === undefined && option.value !== 'none') {
      const following = words[next];
      const mayTake = option.value === 'required' || following?.startsWith('-') === false;
      if (mayTake && following !== undefined) {
        value = following;
        next++;
      }
    }
    const text = words[next - 1] ?? '';
    if (value === undefined && option.value === 'required') {
      read.push({type: 'bad', text, reason: 'missing argument'});
      return false;
    }
    read.push({type: 'option', option, text, ...(value === undefined ? {} : {value})});
    return true;
  };

  while (next < words.length) {
    const word = words[next++] ?? '';
    if (word === '--') {
      leftover.push(...words.slice(next));
      break;
    }
    if (word === '-' || !word.startsWith('-')) {
      leftover.push(word);
      continue;
    }
    if (word.startsWith('--')) {
      const [, name = '', value] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
      const option = options.find(({long}) => long === name);
      const reason =
        option === undefined
          ? 'unknown option'
          : option.value === 'none' && value !== undefined
            ? 'option does not take an argument'
            : undefined;
      if (option === undefined || reason !== undefined) {
        read.push({type: 'bad', text: word, reason: reason ?? 'unknown option'});
        return {read, leftover};
      }
      if (!readOption(option, value)) return {read, leftover};
      continue;
    }
    for (let index = 1; index < word.length; index++) {
      const option = options.find(({short}) => short === word[index]);
      if (option === undefined) {
        read.push({type: 'bad', text: word, reason: 'unknown option'});
        return {read, leftover};
      }
      const rest = word.slice(index + 1);
      const attached = option.value === 'none' || rest === '' ? undefined : rest.replace(/^=/, '');
      if (!readOption(option, attached)) return {read, leftover};
      if (attached !== undefined) break;
    }
  }
  return {read, leftover};
}

/** The command lines of `-R`, split at blanks; skips the word `ipvsadm`, and lines with nothing else. */
export const restoreLines = (text: string): string[][] =>
  text
    .split('\n')
    .map((line) => line.split(/[ \t\r]+/).filter((word) => word !== '' && word !== 'ipvsadm'))
    .filter((words) => words.length > 0);
