/** Directives allowed both at the top of ldirectord.cf, as the default of every virtual service, and inside a service. Pure. */
import type {Directive} from './ldirectord-line.ts';
import {parseFallback, type FallbackPlace} from './ldirectord-fallback.ts';
import {parseNumber, parseSeconds, parseSomething, parseText, parseYesNo} from './ldirectord-values.ts';
import type {EmailAlert, FallbackServer} from './model.ts';
import type {Reporter, Resolver} from './reader.ts';

/** Settings that a virtual service may override. */
export interface Inherited {
  checkTimeout?: number;
  negotiateTimeout?: number;
  checkInterval: number;
  checkCount: number;
  failureCount: number;
  fallback?: FallbackServer;
  fallback6?: FallbackServer;
  fallbackCommand?: string;
  quiescent: boolean;
  cleanStop: boolean;
  emailTo: string[];
  emailFrequency: number;
  emailStatus: string[];
  emailFrom?: string;
  smtp?: string;
}

export const CHECK_TIMEOUT = 5_000;
export const NEGOTIATE_TIMEOUT = 30_000;

/** The defaults. */
export const plainDefaults = (): Inherited => ({
  checkInterval: 10_000,
  checkCount: 1,
  failureCount: 1,
  quiescent: false,
  cleanStop: true,
  emailTo: [],
  emailFrequency: 0,
  emailStatus: ['all'],
});

/** Mail settings of one virtual service or of the file. */
export const emailOf = (settings: Inherited): EmailAlert => ({
  to: settings.emailTo,
  ...(settings.emailFrom === undefined ? {} : {from: settings.emailFrom}),
  frequency: settings.emailFrequency,
  status: settings.emailStatus,
  ...(settings.smtp === undefined ? {} : {smtp: settings.smtp}),
});

/** Reads a directive that may stand in both places. True when it was one. */
export function parseShared(
  directive: Directive,
  into: Inherited,
  fallback: FallbackPlace,
  resolver: Resolver,
  reporter: Reporter,
): boolean {
  switch (directive.name) {
    case 'checktimeout': {
      const value = parseSeconds(directive, 1, reporter);
      if (value !== undefined) into.checkTimeout = value;
      return true;
    }
    case 'negotiatetimeout': {
      const value = parseSeconds(directive, 1, reporter);
      if (value !== undefined) into.negotiateTimeout = value;
      return true;
    }
    case 'checkinterval':
      into.checkInterval = parseSeconds(directive, 1, reporter) ?? into.checkInterval;
      return true;
    case 'checkcount':
      into.checkCount = parseNumber(directive, 1, reporter) ?? into.checkCount;
      reporter.add(
        'warning',
        'deprecated',
        directive.nameSpan,
        'checkcount option is deprecated',
        "use failurecount; checkcount still counts a ping's attempts",
      );
      return true;
    case 'failurecount':
      into.failureCount = parseNumber(directive, 1, reporter) ?? into.failureCount;
      return true;
    case 'quiescent':
      into.quiescent = parseYesNo(directive, reporter) ?? into.quiescent;
      return true;
    case 'cleanstop':
      into.cleanStop = parseYesNo(directive, reporter) ?? into.cleanStop;
      return true;
    case 'fallback':
    case 'fallback6':
      parseOwnFallback(directive, into, fallback, resolver, reporter);
      return true;
    case 'fallbackcommand': {
      const command = fallback.global ? parseText(directive) : (parseSomething(directive, reporter) ?? '');
      if (fallback.global && directive.value.trim() === '') missing(directive, reporter);
      if (command !== '') into.fallbackCommand = command;
      return true;
    }
    case 'emailalert': {
      const addresses = directive.value
        .replaceAll('"', '')
        .split(/[\s,]+/)
        .filter((address) => address !== '');
      if (parseText(directive) === '') missing(directive, reporter);
      else if (addresses.length === 0)
        reporter.add(
          'warning',
          'missing-value',
          directive.valueSpan,
          'emailalert has no address',
          'ADDRESS[, ADDRESS…]',
        );
      into.emailTo = addresses;
      return true;
    }
    case 'emailalertfreq':
      if (reporter.mode === 'strict' && !/^\d/.test(directive.value))
        reporter.error(
          'bad-value',
          directive.valueSpan,
          'invalid email alert frequency',
          'a whole number of seconds',
        );
      else into.emailFrequency = parseSeconds(directive, 0, reporter) ?? into.emailFrequency;
      return true;
    case 'emailalertstatus':
      into.emailStatus = parseStatus(directive, reporter) ?? into.emailStatus;
      return true;
    case 'smtp':
      parseSmtp(directive, into, reporter);
      return true;
    default:
      return false;
  }
}

function missing(directive: Directive, reporter: Reporter): void {
  reporter.error(
    'missing-value',
    directive.valueSpan,
    `${directive.name} says nothing`,
    `write ${directive.name}=…, or leave the line out`,
  );
}

function parseOwnFallback(
  directive: Directive,
  into: Inherited,
  fallback: FallbackPlace,
  resolver: Resolver,
  reporter: Reporter,
): void {
  const right = fallback.family === 6 ? 'fallback6' : 'fallback';
  const six = (fallback.global ? directive.name : right) === 'fallback6';
  // The address makes the meaning clear; ldirectord refuses the other name anyway.
  if (!fallback.global && directive.name !== right) {
    const fix = [{span: directive.nameSpan, replacement: right}];
    const message = `cannot specify "${directive.name}" here`;
    if (!reporter.repair('misspelled', directive.nameSpan, message, right, fix)) return;
  }
  const taken = parseFallback(directive, {...fallback, family: six ? 6 : 4}, resolver, reporter);
  if (!taken) return;
  if (six && fallback.global) into.fallback6 = taken;
  else into.fallback = taken;
}

const phases = ['all', 'none', 'starting', 'running', 'stopping', 'reloading'];

/** Phases of the daemon in which mails are sent, separated by commas; without a word, none. */
function parseStatus(directive: Directive, reporter: Reporter): string[] | undefined {
  const strict = reporter.mode === 'strict';
  const text = strict ? directive.value : parseText(directive).toLowerCase();
  // As Perl's split: empty words at the end do not count, others are words.
  const words = strict
    ? text.replace(/[\s,]*,\s*$/, '').split(/\s*,\s*/)
    : text.split(/[\s,]+/).filter((word) => word !== '');
  if (words.length === 1 && words[0] === '') return ['none'];
  const strange = words.find((word) => !phases.includes(word));
  const help = `one or more of ${phases.join(', ')}, separated by commas`;
  if (strange !== undefined) {
    reporter.error('bad-value', directive.valueSpan, `invalid email alert status at: "${strange}"`, help);
    return undefined;
  }
  const expected = words.find((word) => word !== 'none');
  if (words.includes('none') && expected !== undefined) {
    reporter.error(
      'bad-value',
      directive.valueSpan,
      `invalid email alert status: "${expected}" specified with "none"`,
      help,
    );
    return undefined;
  }
  return words.length === 0 ? ['none'] : words;
}

/** A mail server's name or IPv4 address. */
function parseSmtp(directive: Directive, into: Inherited, reporter: Reporter): void {
  const text = reporter.mode === 'strict' ? directive.value : parseText(directive);
  // A port after the name and an IPv6 address are extensions: ldirectord reads only a name.
  const pattern = reporter.mode === 'strict' ? /^[\w.+-]+/ : /^(?:\[[\da-f:.]+\]|[\w.+-]+)(?::\d{1,5}$)?/i;
  const host = pattern.exec(text)?.[0];
  if (host === undefined) {
    reporter.error(
      'bad-value',
      directive.valueSpan,
      'invalid SMTP server address',
      'a host name or an IPv4 address',
    );
    return;
  }
  into.smtp = host;
  if (host !== text.trim())
    reporter.add(
      'warning',
      'trailing-text',
      directive.valueSpan,
      `smtp has more than a server: "${text}"`,
      `read as ${host}`,
    );
}
