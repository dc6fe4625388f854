/** Reads one block of lvs.cf by key; keys that nobody read are errors at the end. Pure. */
import {ipv4} from '../addresses.ts';
import {nearest} from '../diagnostic.ts';
import type {Reporter} from '../reader.ts';
import type {Entry, LvsBlock} from './lvs-cf-lines.ts';
import {isDevice, wholeNumber, type Notes} from './words.ts';

export interface Keys {
  /** The last line with the key; undefined: none. */
  readonly entry: (key: string) => Entry | undefined;
  /** The same, with a note that it is carried over exactly. */
  readonly exact: (key: string, message: string) => Entry | undefined;
  readonly number: (key: string, least: number, most: number, otherwise: number) => number;
  readonly flag: (key: string, otherwise: boolean) => boolean;
  readonly address: (key: string) => string | undefined;
  /** `ADDRESS DEVICE:LABEL`; an address alone has no device. */
  readonly alias: (
    key: string,
  ) => {readonly address: string; readonly device?: string; readonly label?: string} | undefined;
  /** Reports every key that was not read as unknown. */
  readonly finish: (known: readonly string[]) => void;
}

export const quote = (entry: Entry): string => `${entry.key} = ${entry.value}`;

export function keysOf(block: LvsBlock, reporter: Reporter, notes: Notes): Keys {
  const seen = new Set<string>();
  const entryOf = (key: string): Entry | undefined => {
    const all = block.entries.filter((entry) => entry.key === key);
    const first = !seen.has(key);
    seen.add(key);
    if (first)
      for (const entry of all.slice(0, -1))
        notes.omitted(entry.span, quote(entry), 'overridden by a later line with the same key');
    return all.at(-1);
  };
  const wrong = (
    entry: Entry,
    message: string,
    help: string,
    code: 'bad-value' | 'bad-address' = 'bad-value',
  ): undefined => {
    reporter.error(code, entry.valueSpan, message, help);
  };
  return {
    entry: entryOf,
    exact: (key, message) => {
      const entry = entryOf(key);
      if (entry) notes.exact(entry.span, quote(entry), message);
      return entry;
    },
    number: (key, least, most, otherwise) => {
      const entry = entryOf(key);
      if (!entry) return otherwise;
      const value = wholeNumber(entry.value, least, most);
      if (value === undefined)
        wrong(
          entry,
          `"${entry.value}" is not a number for ${key}`,
          `a whole number from ${least} to ${most}`,
        );
      return value ?? otherwise;
    },
    flag: (key, otherwise) => {
      const entry = entryOf(key);
      if (!entry) return otherwise;
      if (entry.value !== '0' && entry.value !== '1')
        wrong(entry, `${key} is 0 or 1, not "${entry.value}"`, `write ${key} = 1 or ${key} = 0`);
      return entry.value === '1';
    },
    address: (key) => {
      const entry = entryOf(key);
      if (!entry) return undefined;
      const address = ipv4(entry.value.split(/\s+/)[0] ?? '');
      return (
        address ??
        wrong(entry, `"${entry.value}" is not an IPv4 address`, `write ${key} = 192.0.2.1`, 'bad-address')
      );
    },
    alias: (key) => {
      const entry = entryOf(key);
      if (!entry) return undefined;
      const [host = '', name] = entry.value.split(/\s+/);
      const address = ipv4(host);
      if (address === undefined)
        return wrong(
          entry,
          `"${host}" is not an IPv4 address`,
          `write ${key} = 192.0.2.1 eth0:1`,
          'bad-address',
        );
      if (name === undefined) return {address};
      const [device = '', label] = name.split(':');
      if (!isDevice(device) || (label !== undefined && !isDevice(label)))
        return wrong(entry, `"${name}" is not an interface`, `write ${key} = ${address} eth0:1`);
      return {address, device, ...(label === undefined ? {} : {label: `${device}:${label}`})};
    },
    finish: (known) => {
      for (const entry of block.entries) {
        if (seen.has(entry.key)) continue;
        const near = nearest(entry.key, known);
        reporter.error(
          'unknown-directive',
          entry.keySpan,
          `unknown key ${entry.key}`,
          near === undefined
            ? 'Piranha does not start with such a file: remove the line'
            : `did you mean ${near}?`,
        );
      }
    },
  };
}
