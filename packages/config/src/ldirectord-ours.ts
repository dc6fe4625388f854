/** hactl's extensions in a virtual service: Piranha's check, accepted HTTP statuses and recovery. Pure. */
import {translatePosixRegex} from '@hactl/regex';
import type {Directive} from './ldirectord-line.ts';
import {parseStatuses, parseNumber, parseQuotedOrNone, parseYesNo} from './ldirectord-values.ts';
import type {CheckService, Span, StatusRange, VirtualAddress, VirtualService} from './model.ts';
import type {Reporter} from './reader.ts';

export interface Ours {
  send?: string;
  sendProgram?: string;
  expect?: string;
  expectRegex?: boolean;
  rise?: number;
  mysqlKey?: string;
  statuses?: readonly StatusRange[];
}

/** The fields of the draft that are used here. */
interface Written {
  readonly ours: Ours;
  readonly service?: string;
  readonly texts: {readonly checkCommand?: unknown};
}

/** True when the line is one of ours. */
export function parseOurs(directive: Directive, into: Ours, reporter: Reporter): boolean {
  switch (directive.name) {
    case 'hactl_send':
    case 'hactl_expect': {
      const text = parseQuotedOrNone(directive, reporter);
      if (text !== undefined) into[directive.name === 'hactl_send' ? 'send' : 'expect'] = text;
      return true;
    }
    case 'hactl_send_program': {
      const command = parseQuotedOrNone(directive, reporter);
      if (command?.startsWith('/')) into.sendProgram = command;
      else if (command !== undefined)
        reporter.error(
          'bad-value',
          directive.span,
          `"${command}" does not begin with the absolute path of a program`,
          'write hactl_send_program="/etc/ha.d/mysql_mon.sh %h"; there is no shell: use a script for pipes and quotes',
        );
      return true;
    }
    case 'hactl_expect_regex':
      into.expectRegex = parseYesNo(directive, reporter) ?? false;
      return true;
    case 'hactl_rise': {
      const rise = parseNumber(directive, 1, reporter);
      if (rise !== undefined) into.rise = rise;
      return true;
    }
    case 'hactl_status': {
      const text = parseQuotedOrNone(directive, reporter);
      const statuses = text === undefined ? undefined : parseStatuses(text);
      if (statuses) into.statuses = statuses;
      else if (text !== undefined)
        reporter.error(
          'bad-value',
          directive.span,
          `"${text}" is not a list of HTTP statuses`,
          'statuses and ranges from 100 to 599: hactl_status="200-299 401"',
        );
      return true;
    }
    case 'hactl_mysql_key': {
      const file = parseQuotedOrNone(directive, reporter);
      if (file?.startsWith('/')) into.mysqlKey = file;
      else if (file !== undefined)
        reporter.error(
          'bad-value',
          directive.span,
          `"${file}" is not an absolute path`,
          'write hactl_mysql_key="/etc/ha.d/mysql-key.pem"',
        );
      return true;
    }
    default:
      return false;
  }
}

/** Piranha's sending program, if configured; `hactl_expect` is then the output that the program must print. */
export function finishSendProgram(
  {ours, service, texts}: Written,
  span: Span,
  reporter: Reporter,
): VirtualService['sendProgram'] {
  const {send, sendProgram: command, expect, expectRegex} = ours;
  if (command === undefined) return undefined;
  const ignored = [
    ...(send === undefined ? [] : ['hactl_send']),
    ...(expectRegex === true ? ['hactl_expect_regex'] : []),
    ...(service === undefined ? [] : [`service=${service}`]),
    ...(texts.checkCommand === undefined ? [] : ['checkcommand']),
  ];
  if (ignored.length > 0)
    reporter.add(
      'warning',
      'ignored-directive',
      span,
      `${ignored.join(', ')}: not used with hactl_send_program, whose output must equal hactl_expect`,
      'leave one of them out',
    );
  return {command, ...(expect === undefined ? {} : {expect})};
}

/** The accepted statuses, if the service has statuses. */
export function finishStatuses(
  {statuses}: Ours,
  service: CheckService,
  span: Span,
  reporter: Reporter,
): Pick<VirtualService, 'statuses'> {
  if (statuses === undefined) return {};
  if (service === 'http' || service === 'https' || service === 'http_proxy') return {statuses};
  reporter.add(
    'warning',
    'ignored-directive',
    span,
    `hactl_status is not used: service ${service} has no HTTP statuses`,
    'write service=http or service=https, or leave hactl_status out',
  );
  return {};
}

/** Piranha's check, if one of its two texts is configured. */
export function finishSendExpect(
  {ours, service}: Written,
  address: VirtualAddress,
  span: Span,
  reporter: Reporter,
): VirtualService['sendExpect'] {
  const {send, expect, expectRegex: regex = false} = ours;
  if (send === undefined && expect === undefined) return undefined;
  const translated = regex && expect !== undefined ? translatePosixRegex(expect) : undefined;
  if (translated && !translated.ok)
    reporter.error(
      'bad-regex',
      span,
      `hactl_expect is not a usable regular expression: ${translated.fault}`,
      'put a \\ before a literal character, or remove hactl_expect_regex',
    );
  if (address.kind === 'address' && address.protocol === 'udp')
    reporter.error(
      'protocol-mismatch',
      span,
      'hactl_send and hactl_expect work with tcp only',
      'use service=simpletcp with request and receive',
    );
  if (service !== undefined)
    reporter.add(
      'warning',
      'ignored-directive',
      span,
      `service=${service} is not used with hactl_send and hactl_expect`,
      'leave one of them out',
    );
  return {...(send === undefined ? {} : {send}), ...(expect === undefined ? {} : {expect}), regex};
}
