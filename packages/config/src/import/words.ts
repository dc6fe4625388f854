/** Values that all importers read the same way. Pure. */
import type {Millis} from '@hactl/base';
import {ipv4, ipv6} from '../addresses.ts';
import type {Note} from './imported.ts';
import type {Span} from '../model.ts';

/** Collects notes; the three functions are the three fates. */
export interface Notebook {
  readonly notes: Note[];
  readonly exact: (span: Span, what: string, message: string) => void;
  readonly approximated: (span: Span, what: string, message: string) => void;
  readonly not: (span: Span, what: string, message: string) => void;
  /** Approximated, and after the switch something is different: the user must know. */
  readonly changed: (span: Span, what: string, message: string) => void;
  /** Not carried over, and the user must know. */
  readonly lost: (span: Span, what: string, message: string) => void;
  /** The notes of a part of the source; with `dropped` the part as a whole is left out, for that reason. */
  readonly take: (notes: readonly Note[], dropped?: string) => void;
}

/** Every server and every check has its own: a class, whose functions are made once. */
class Notes implements Notebook {
  readonly notes: Note[] = [];

  exact(span: Span, what: string, message: string): void {
    this.notes.push({fate: 'exact', span, what, message});
  }

  approximated(span: Span, what: string, message: string): void {
    this.notes.push({fate: 'approximated', span, what, message});
  }

  not(span: Span, what: string, message: string): void {
    this.notes.push({fate: 'not', span, what, message});
  }

  changed(span: Span, what: string, message: string): void {
    this.notes.push({fate: 'approximated', span, what, message, matters: true});
  }

  lost(span: Span, what: string, message: string): void {
    this.notes.push({fate: 'not', span, what, message, matters: true});
  }

  take(others: readonly Note[], dropped?: string): void {
    for (const note of others)
      this.notes.push(
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

export const notebook = (): Notebook => new Notes();

/** An interface's name as the kernel allows it, and as haresources can hold it. */
export const isDevice = (text: string): boolean => /^[\w.@-]{1,15}$/.test(text);

/** An address as inet_pton takes it: IPv6 without brackets and without a zone. */
export const canonical = (text: string): string | undefined =>
  /[[\]%]/.test(text) ? undefined : (ipv4(text) ?? ipv6(text));

/** A whole number in a range. */
export function wholeNumber(text: string, least: number, most: number): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= least && value <= most ? value : undefined;
}

/** The digits at the beginning as strtoul reads them, and what is left; undefined: there are none. */
export function leadingNumber(text: string): {readonly value?: number; readonly rest: string} {
  const [, digits, rest = text] = /^[ \t]*\+?(\d+)([^]*)$/.exec(text) ?? [];
  return digits === undefined ? {rest} : {value: Number(digits), rest};
}

/** Seconds with decimals: `3`, `2.5`, `.5`, `2.`. */
export function secondsOf(text: string): Millis | undefined {
  return /^(?:\d{1,7}(?:\.\d*)?|\.\d+)$/.test(text) ? Math.round(Number(text) * 1_000) : undefined;
}

/** A text as a literal in a regular expression of Perl's. */
export const literally = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

/** A word for the shell, quoted when it must be. */
export const shellWord = (text: string): string =>
  /^[\w./:=,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** May the text stand between double quotes on one line of ldirectord.cf and be read back as it is? */
export const isQuotable = (text: string): boolean =>
  text !== '' && !/["\r\n\0\u201C-\u201F\u00AB\u00BB]/.test(text);

/** Part of a file name, made of what a name may hold. */
export const fileWord = (text: string): string =>
  text.replace(/[^\w.-]+/g, '_').replace(/^[.-]+/, '') || 'unnamed';

/** A script's name that none of the others has. */
export function freshName(scripts: readonly {readonly name: string}[], wanted: string): string {
  const isTaken = (name: string): boolean => scripts.some((script) => script.name === name);
  if (!isTaken(wanted)) return wanted;
  for (let count = 2; ; count += 1) if (!isTaken(`${wanted}-${count}`)) return `${wanted}-${count}`;
}
