/** Reads the lines of a virtual service one by one into a draft; ldirectord-virtual.ts builds the service from it. Pure. */
import {oldIpv4} from './addresses.ts';
import {parseShared, type Inherited} from './ldirectord-inherited.ts';
import type {Directive} from './ldirectord-line.ts';
import {schedulers} from './ldirectord-kernel.ts';
import {parseOurs, type Ours} from './ldirectord-ours.ts';
import {parseRealCheck, type WrittenRealCheck} from './ldirectord-real-check.ts';
import {parseReals} from './ldirectord-servers.ts';
import {
  checkExpression,
  parseNumber,
  parseQuoted,
  parseSomething,
  parseText,
  parseWritten,
  parseWord,
  parseYesNo,
} from './ldirectord-values.ts';
import type {VirtualHead} from './ldirectord-address.ts';
import {services} from './ldirectord-services.ts';
import type {CheckService, CheckType, RealServer} from './model.ts';
import type {Reporter, Resolver} from './reader.ts';

const checkTypes = ['negotiate', 'connect', 'ping', 'external', 'external-perl', 'on', 'off'] as const;

/** Texts that go into the model as they are. */
export interface Texts {
  checkCommand?: string;
  request?: string;
  receive?: string;
  virtualHost?: string;
  login?: string;
  passwd?: string;
  database?: string;
  secret?: string;
  load?: string;
  schedFlags?: string;
  netmask?: string;
  monitorFile?: string;
  serviceName?: string;
  comment?: string;
}

/** The settings of one virtual service read so far. */
export interface Draft {
  readonly family: 4 | 6;
  /** undefined: the virtual line itself is wrong. */
  readonly head: VirtualHead | undefined;
  readonly own: Inherited;
  readonly reals: RealServer[];
  readonly realChecks: WrittenRealCheck[];
  readonly texts: Texts;
  checkType: CheckType;
  service?: CheckService;
  checkPort?: number;
  httpMethod: 'GET' | 'HEAD';
  scheduler: string;
  persistent?: number;
  protocol?: 'tcp' | 'udp' | 'fwm';
  ops: boolean;
  readonly ours: Ours;
}

/** Reads one line of a virtual service. */
export function parseLine(directive: Directive, draft: Draft, resolver: Resolver, reporter: Reporter): void {
  const {family, texts} = draft;
  const set = (name: keyof Texts, value: string | undefined): void => {
    if (value !== undefined) texts[name] = value;
  };
  if (
    parseShared(
      directive,
      draft.own,
      {family, global: false, portNames: draft.head?.kind === 'address'},
      resolver,
      reporter,
    )
  )
    return;
  if (parseOurs(directive, draft.ours, reporter)) return;
  switch (directive.name) {
    case 'real':
    case 'real6':
      if ((directive.name === 'real6') !== (family === 6))
        reporter.error(
          'bad-address',
          directive.nameSpan,
          `${directive.name} cannot stand in a virtual${family === 6 ? '6' : ''} service`,
          `write ${family === 6 ? 'real6' : 'real'}=`,
        );
      else draft.reals.push(...parseReals(directive, family, resolver, reporter));
      break;
    case 'hactl_check': {
      const check = parseRealCheck(directive, family, resolver, reporter);
      if (check) draft.realChecks.push(check);
      break;
    }
    case 'checktype':
      draft.checkType = parseCheckType(directive, reporter) ?? draft.checkType;
      break;
    case 'service': {
      const service = parseWord(directive, services, reporter);
      if (service !== undefined) draft.service = service;
      break;
    }
    case 'checkcommand':
      set('checkCommand', parseSomething(directive, reporter));
      break;
    case 'checkport':
      parseCheckPort(directive, draft, reporter);
      break;
    case 'request':
    case 'login':
    case 'passwd':
    case 'database':
    case 'secret':
      set(directive.name, parseQuoted(directive, reporter));
      break;
    case 'load':
      set('load', parseLoad(directive, reporter));
      break;
    case 'receive':
      set('receive', parseReceive(directive, reporter));
      break;
    case 'httpmethod':
      draft.httpMethod = parseHttpMethod(directive, reporter) ?? draft.httpMethod;
      break;
    case 'virtualhost':
      set('virtualHost', /^"?([^"]*)/.exec(directive.value)?.[1]?.trim() || undefined);
      break;
    case 'scheduler':
      draft.scheduler = parseScheduler(directive, reporter) ?? draft.scheduler;
      break;
    case 'schedflags':
      set('schedFlags', parseWritten(directive, reporter)?.split(/\s/)[0]);
      break;
    case 'persistent': {
      const seconds = parseNumber(directive, 0, reporter);
      if (seconds !== undefined) draft.persistent = seconds;
      break;
    }
    case 'netmask':
      set('netmask', parseNetmask(directive, family, reporter));
      break;
    case 'protocol':
      parseProtocol(directive, draft, reporter);
      break;
    case 'ops':
      draft.ops = parseYesNo(directive, reporter) ?? draft.ops;
      break;
    case 'monitorfile':
      set('monitorFile', parseSomething(directive, reporter));
      break;
    case 'servicename':
      set('serviceName', parseText(directive));
      break;
    case 'comment':
      set('comment', parseText(directive));
      break;
    default:
      reporter.error(
        'unknown-directive',
        directive.nameSpan,
        `Unknown command ${directive.name}`,
        'it cannot stand in a virtual service',
      );
  }
}

function parseCheckType(directive: Directive, reporter: Reporter): CheckType | undefined {
  const digits = /\d+/.exec(directive.value)?.[0];
  if (digits !== undefined) return {kind: 'combined', connects: Number(digits)};
  const kind = parseWord(directive, checkTypes, reporter, /[\w-]+/);
  return kind === undefined ? undefined : {kind};
}

/** Parsed and never used, by ldirectord and by hactl; a text without a letter or digit is still refused. */
function parseLoad(directive: Directive, reporter: Reporter): string | undefined {
  const text = parseQuoted(directive, reporter);
  if (text === undefined || /\w/.test(text)) return text;
  reporter.error(
    'bad-value',
    directive.valueSpan,
    'invalid string for load testing',
    'load has no effect: remove the line',
  );
  return undefined;
}

function parseCheckPort(directive: Directive, draft: Draft, reporter: Reporter): void {
  const value = parseNumber(directive, 1, reporter);
  if (value === undefined) return;
  if (value <= 65_535) draft.checkPort = value;
  else
    reporter.error(
      'bad-port',
      directive.valueSpan,
      `invalid checkport "${directive.value.trim()}"`,
      'checkport is a number from 1 to 65535',
    );
}

function parseReceive(directive: Directive, reporter: Reporter): string | undefined {
  const value = parseQuoted(directive, reporter);
  if (value !== undefined) checkExpression(value, directive, reporter);
  return value;
}

function parseHttpMethod(directive: Directive, reporter: Reporter): 'GET' | 'HEAD' | undefined {
  const word = /\w+/.exec(directive.value)?.[0].toUpperCase();
  if (word === 'GET' || word === 'HEAD') return word;
  reporter.error(
    'bad-value',
    directive.valueSpan,
    `httpmethod must be GET or HEAD, not "${directive.value.trim()}"`,
    'write httpmethod=GET',
  );
  return undefined;
}

/** The first run of lower-case letters, as ldirectord reads it; lenient mode accepts the kernel's names in any case. */
function parseScheduler(directive: Directive, reporter: Reporter): string | undefined {
  const text = directive.value.trim();
  const word = /[a-z]+/.exec(text)?.[0];
  const bare = text.replaceAll('"', '');
  if (bare === word) return word;
  const lower = bare.toLowerCase();
  const fix = (replacement: string) => [{span: directive.valueSpan, replacement}];
  if (reporter.mode === 'lenient' && schedulers.includes(lower)) {
    reporter.repair(
      'misspelled',
      directive.valueSpan,
      'a scheduler is written in lower case',
      lower,
      fix(lower),
    );
    return lower;
  }
  if (word === undefined)
    reporter.error(
      'bad-value',
      directive.valueSpan,
      `invalid scheduler "${text}", should be only lowercase letters (a-z)`,
      schedulers.join(', '),
    );
  else
    reporter.add(
      'warning',
      'trailing-text',
      directive.valueSpan,
      `scheduler has more than lower-case letters: "${text}"`,
      `read as ${word}, as in ldirectord`,
      fix(word),
    );
  return word;
}

/** ldirectord checks the syntax only; a mask that the kernel would refuse is left out with a warning. */
function parseNetmask(directive: Directive, family: 4 | 6, reporter: Reporter): string | undefined {
  const mask = reporter.mode === 'strict' ? directive.value : parseText(directive);
  const formed =
    family === 4
      ? /^\d+\.\d+\.\d+\.\d+$/.test(mask)
      : /^\d+$/.test(mask) && Number(mask) >= 1 && Number(mask) <= 128;
  const help =
    family === 4 ? 'dotted quad notation is required, 255.255.255.0' : 'a prefix length from 1 to 128';
  if (!formed) {
    reporter.error('bad-value', directive.valueSpan, `invalid netmask "${mask}"`, help);
    return undefined;
  }
  const usable = family === 4 ? oldIpv4(mask) : String(Number(mask));
  if (usable === undefined)
    reporter.add(
      'warning',
      'unusable-value',
      directive.valueSpan,
      `not a netmask: ${mask}; it is left out`,
      help,
    );
  return usable;
}

function parseProtocol(directive: Directive, draft: Draft, reporter: Reporter): void {
  const protocol = parseWord(directive, ['tcp', 'udp', 'fwm'] as const, reporter);
  if (protocol === undefined) return;
  const {head} = draft;
  if (!head || (protocol === 'fwm') === (head.kind === 'fwmark')) {
    draft.protocol = protocol;
    return;
  }
  const mark = head.kind === 'fwmark';
  reporter.error(
    'protocol-mismatch',
    directive.valueSpan,
    mark
      ? 'protocol must be fwm if the virtual service is a fwmark (a number)'
      : 'protocol must be tcp or udp if the virtual service is an address and port',
    mark ? 'write protocol=fwm' : 'write protocol=tcp or protocol=udp',
  );
}
