/** One directive with its value in one spelling, and how values that may hold a password are compared and shown. Pure. */
import {createHash} from 'node:crypto';
import type {Millis} from '@hactl/base';
import type {VirtualService} from './model.ts';
import {hideRequest, hideSecrets, hideWords} from './redact.ts';
import {loginPatterns} from './line-secrets.ts';

/** What a directive is about: a reload treats them differently, and people look for them in different places. */
export type FactKind = 'setting' | 'interval' | 'group' | 'address' | 'key' | 'service' | 'real' | 'check';

export interface Fact {
  readonly kind: FactKind;
  /** The path of its file, as read. */
  readonly file: string;
  /** Names it among all facts: `keepalive`, `group 1 IPaddr2 10.0.0.1`, `tcp 10.0.0.1:80 scheduler`. */
  readonly directive: string;
  readonly value: string;
  /** The virtual service that it belongs to. */
  readonly of?: string;
  /** Local to each director, so not compared. */
  readonly own?: true;
  /** The value is a hash and must not be shown. */
  readonly secret?: true;
  /** The visible part of a secret value: the host of a URL, the first word of a command. */
  readonly shown?: string;
}

export const timeText = (time: Millis): string => (time % 1_000 === 0 ? `${time / 1_000}s` : `${time}ms`);
export const onOff = (value: boolean): string => (value ? 'on' : 'off');
export const endpoint = (family: 4 | 6, address: string, port: number): string =>
  family === 6 ? `[${address}]:${port}` : `${address}:${port}`;

/** The display name of a virtual service: `tcp 10.0.0.1:80`, `udp [2001:db8::1]:53`, `fwm 7`. */
export function virtualName({address}: Pick<VirtualService, 'address'>): string {
  if (address.kind === 'fwmark') return address.family === 6 ? `fwm6 ${address.mark}` : `fwm ${address.mark}`;
  return `${address.protocol} ${endpoint(address.family, address.address, address.port)}`;
}

/** A hash: shows only whether two values are equal. */
export const hashed = (...words: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(words)).digest('hex');

/** A value that may contain a password: compared by hash, shown without it. */
export const guarded = (text: string, shown: string): Pick<Fact, 'value' | 'secret' | 'shown'> =>
  text === shown ? {value: text} : {value: hashed(text), secret: true, shown};

/** A command without its arguments; they often are passwords. */
export const commandShown = (command: string): string => {
  const words = command.trim().split(/\s+/);
  const program = words.find((word) => !/^\w+=/.test(word)) ?? '';
  return words.length === 1 && program !== '' ? program : `${program} …`.trimStart();
};

/** A URL without user, path and query. */
export function urlShown(url: string): string {
  const [, scheme = '', authority = '', path = ''] = /^(\w+):\/\/([^/?#]*)(.*)$/.exec(url) ?? [];
  const host = authority.split('@').at(-1) ?? '';
  return scheme === '' ? '…' : `${scheme}://${host}${path === '' || path === '/' ? '' : '/…'}`;
}

/** A page without its query, and without the user of a URL. */
export const requestShown = (request: string): string => hideRequest(request, '…');

/** Of a log-in the user. */
export const loginShown = (login: string): string => hideSecrets(login, loginPatterns, '…');

/** The fact without secrets in settings that are for none, such as a comment or an address of mails. */
export function withoutWords(fact: Fact): Fact {
  const [directive, text] = [hideWords(fact.directive), fact.shown ?? fact.value];
  const shown = fact.secret === true && fact.shown === undefined ? undefined : hideWords(text);
  if (directive === fact.directive && (shown === undefined || shown === text)) return fact;
  return {
    ...fact,
    directive,
    value: hashed(fact.directive, fact.value),
    secret: true,
    ...(shown === undefined ? {} : {shown}),
  };
}
