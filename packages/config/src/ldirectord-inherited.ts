/** Directives that may stand at the top of ldirectord.cf, as the default of every virtual, and inside a virtual. Pure. */
import type {Directive} from './ldirectord-lines.ts';
import {takeFallback} from './ldirectord-servers.ts';
import {takeNumber, takeSeconds, takeText, takeYesNo} from './ldirectord-values.ts';
import type {EmailAlert, FallbackServer} from './model.ts';
import type {Reporter, Resolver} from './reader.ts';

/** Settings that a virtual may have of its own and otherwise inherits. */
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

/** What holds where nothing is written. */
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

/** Where mails go, of one virtual or of the file. */
export const emailOf = (settings: Inherited): EmailAlert => ({
  to: settings.emailTo,
  ...(settings.emailFrom === undefined ? {} : {from: settings.emailFrom}),
  frequency: settings.emailFrequency,
  status: settings.emailStatus,
  ...(settings.smtp === undefined ? {} : {smtp: settings.smtp}),
});

/** A directive that may stand in both places. True when it was one. */
export function takeShared(
  one: Directive,
  into: Inherited,
  family: 4 | 6,
  resolver: Resolver,
  reporter: Reporter,
): boolean {
  switch (one.name) {
    case 'checktimeout': {
      const value = takeSeconds(one, 1, reporter);
      if (value !== undefined) into.checkTimeout = value;
      return true;
    }
    case 'negotiatetimeout': {
      const value = takeSeconds(one, 1, reporter);
      if (value !== undefined) into.negotiateTimeout = value;
      return true;
    }
    case 'checkinterval':
      into.checkInterval = takeSeconds(one, 1, reporter) ?? into.checkInterval;
      return true;
    case 'checkcount':
      into.checkCount = takeNumber(one, 1, reporter) ?? into.checkCount;
      reporter.add(
        'warning',
        'deprecated',
        one.nameSpan,
        'checkcount option is deprecated',
        "use failurecount; checkcount still counts a ping's attempts",
      );
      return true;
    case 'failurecount':
      into.failureCount = takeNumber(one, 1, reporter) ?? into.failureCount;
      return true;
    case 'quiescent':
      into.quiescent = takeYesNo(one, reporter) ?? into.quiescent;
      return true;
    case 'cleanstop':
      into.cleanStop = takeYesNo(one, reporter) ?? into.cleanStop;
      return true;
    case 'fallback': {
      const taken = takeFallback(one, family, resolver, reporter);
      if (taken) into.fallback = taken;
      return true;
    }
    case 'fallbackcommand':
      into.fallbackCommand = takeText(one);
      return true;
    case 'emailalert':
      into.emailTo = takeText(one)
        .split(/[\s,]+/)
        .filter((address) => address !== '');
      return true;
    case 'emailalertfreq':
      into.emailFrequency = takeSeconds(one, 0, reporter) ?? into.emailFrequency;
      return true;
    case 'emailalertstatus':
      into.emailStatus = takeText(one)
        .split(/[\s,]+/)
        .filter((word) => word !== '');
      return true;
    case 'smtp':
      into.smtp = takeText(one);
      return true;
    default:
      return false;
  }
}
