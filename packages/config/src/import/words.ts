/** Notes and values shared by all importers. Pure. */
import type {Millis} from '@hactl/base';
import {ipv4, ipv6} from '../addresses.ts';
import type {Note} from './imported.ts';
import type {Span} from '../model.ts';

/** Collects notes, with a function for each fate. */
export interface Notes {
  readonly list: Note[];
  readonly exact: (span: Span, what: string, message: string) => void;
  readonly approximated: (span: Span, what: string, message: string) => void;
  readonly omitted: (span: Span, what: string, message: string) => void;
  /** Approximated, and something differs after the switch. */
  readonly changed: (span: Span, what: string, message: string) => void;
  /** Not carried over, and something differs after the switch. */
  readonly lost: (span: Span, what: string, message: string) => void;
  /** Adds the notes of a part of the source; `dropped`: the reason why the whole part is left out. */
  readonly addAll: (notes: readonly Note[], dropped?: string) => void;
}

/** A class, since every server and every check has an instance: methods are shared. */
class NoteList implements Notes {
  readonly list: Note[] = [];

  exact(span: Span, what: string, message: string): void {
    this.list.push({fate: 'exact', span, what, message});
  }

  approximated(span: Span, what: string, message: string): void {
    this.list.push({fate: 'approximated', span, what, message});
  }

  omitted(span: Span, what: string, message: string): void {
    this.list.push({fate: 'not', span, what, message});
  }

  changed(span: Span, what: string, message: string): void {
    this.list.push({fate: 'approximated', span, what, message, matters: true});
  }

  lost(span: Span, what: string, message: string): void {
    this.list.push({fate: 'not', span, what, message, matters: true});
  }

  addAll(notes: readonly Note[], dropped?: string): void {
    for (const note of notes)
      this.list.push(
        dropped === undefined
          ? note
          : {
              fate: 'not',
              span: note.span,
              what: note.what,
              message: note.fate === 'not' ? note.message : dropped,
            },
      );
  }
}

export const newNotes = (): Notes => new NoteList();

/** An interface name that is valid in the kernel and in haresources. */
export const isDevice = (text: string): boolean => /^[\w.@-]{1,15}$/.test(text);

/** An address that inet_pton accepts: IPv6 without brackets and zone. */
export const canonical = (text: string): string | undefined =>
  /[[\]%]/.test(text) ? undefined : (ipv4(text) ?? ipv6(text));

/** A whole number from `least` to `most`; undefined: not in the range. */
export function wholeNumber(text: string, least: number, most: number): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= least && value <= most ? value : undefined;
}

/** Reads leading digits like strtoul; `value` undefined: no digits. */
export function leadingNumber(text: string): {readonly value?: number; readonly rest: string} {
  const [, digits, rest = text] = /^[ \t]*\+?(\d+)([^]*)$/.exec(text) ?? [];
  return digits === undefined ? {rest} : {value: Number(digits), rest};
}

/** Seconds with decimals: `3`, `2.5`, `.5`, `2.`. */
export function secondsOf(text: string): Millis | undefined {
  return /^(?:\d{1,7}(?:\.\d*)?|\.\d+)$/.test(text) ? Math.round(Number(text) * 1_000) : undefined;
}

/** Escapes a text for a Perl regular expression. */
export const literally = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

/** A word for the shell, quoted if necessary. */
export const shellWord = (text: string): string =>
  /^[\w./:=,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** Can the text be written between double quotes in ldirectord.cf and be read back unchanged? */
export const isQuotable = (text: string): boolean =>
  text !== '' && !/["\r\n\0\u201C-\u201F\u00AB\u00BB]/.test(text);

/** The text as part of a file name: other characters become _. */
export const fileWord = (text: string): string =>
  text.replace(/[^\w.-]+/g, '_').replace(/^[.-]+/, '') || 'unnamed';

/** `base`, with a number if another script has that name. */
export function freshName(scripts: readonly {readonly name: string}[], base: string): string {
  const isTaken = (name: string): boolean => scripts.some((script) => script.name === name);
  if (!isTaken(base)) return base;
  for (let count = 2; ; count += 1) if (!isTaken(`${base}-${count}`)) return `${base}-${count}`;
}
