/** `hactl_check=ADDRESS[:PORT] NAME=VALUE…`: a real server's check where it differs from the virtual service's. Pure. */
import {translatePosixRegex} from '@hactl/regex';
import type {Directive} from './ldirectord-line.ts';
import {services} from './ldirectord-services.ts';
import {parseHost, parsePort} from './ldirectord-servers.ts';
import {checkExpression, parseStatuses} from './ldirectord-values.ts';
import type {CheckService, CheckType, RealCheck, RealServer} from './model.ts';
import {nearest} from './diagnostic.ts';
import type {Reporter, Resolver} from './reader.ts';
import {parseTime} from './units.ts';

const form =
  'hactl_check=ADDRESS[:PORT] [checktype=…] [service=…] [checkport=N] [checkcommand=/PATH] [request="…"] [receive="…"] [status="…"] [virtualhost=NAME] [checktimeout=TIME] [send="…"] [expect="…"] [regex=yes]';

const kinds = ['negotiate', 'connect', 'ping', 'external', 'on', 'off'] as const;

/** One parsed line, not yet matched with its servers. */
export interface WrittenRealCheck {
  readonly line: Directive;
  readonly address: string;
  /** 0: every port of the address. */
  readonly port: number;
  readonly check: RealCheck;
}

type Draft = {-readonly [Key in keyof RealCheck]: RealCheck[Key]} & {
  send?: string;
  expect?: string;
  regex?: boolean;
};

export function parseRealCheck(
  line: Directive,
  family: 4 | 6,
  resolver: Resolver,
  reporter: Reporter,
): WrittenRealCheck | undefined {
  const complain = (message: string, help = form): undefined => {
    reporter.error('bad-value', line.valueSpan, message, help);
  };
  const [where = '', ...rest] = line.value.trim().split(/\s+(?=(?:[^"]*"[^"]*")*[^"]*$)/);
  const [, host = '', portText] = /^(\[[\da-f:]+\]|[^:]+)(?::(\w+))?$/i.exec(where) ?? [];
  const address = host === '' ? undefined : parseHost(host, family, line, resolver, reporter);
  const port = portText === undefined ? 0 : parsePort(portText, ['tcp', 'udp'], resolver);
  if (address === undefined || port === undefined)
    return complain(`"${where}" is not a real server of this virtual service`);
  const draft: Draft = {};
  for (const word of rest) {
    const [, name = '', quoted, bare] = /^(\w+)=(?:"([^"]*)"|(\S+))$/.exec(word) ?? [];
    const value = quoted ?? bare ?? '';
    const fault = value === '' ? 'no value' : parseSetting(name, value, draft, line, reporter);
    if (fault !== undefined) return complain(`${word}: ${fault}`);
  }
  const {send, expect, regex = false, ...settings} = draft;
  const translated = regex && expect !== undefined ? translatePosixRegex(expect) : undefined;
  if (translated && !translated.ok)
    return complain(`expect is not a usable regular expression: ${translated.fault}`);
  const dialogue =
    send === undefined && expect === undefined
      ? {}
      : {
          service: 'send-expect' as const,
          sendExpect: {
            ...(send === undefined ? {} : {send}),
            ...(expect === undefined ? {} : {expect}),
            regex,
          },
        };
  return {line, address, port, check: {...settings, ...dialogue}};
}

/** undefined: accepted; otherwise what was expected. */
function parseSetting(
  name: string,
  value: string,
  draft: Draft,
  line: Directive,
  reporter: Reporter,
): string | undefined {
  switch (name) {
    case 'checktype': {
      const kind = kinds.find((known) => known === value);
      if (kind === undefined) return `one of ${kinds.join(', ')}`;
      draft.checkType = {kind} satisfies CheckType;
      return undefined;
    }
    case 'service': {
      const service = services.find((known) => known === value);
      if (service === undefined) return `one of ${services.join(', ')}`;
      draft.service = service satisfies CheckService;
      return undefined;
    }
    case 'checkport': {
      const port = Number(value);
      if (!Number.isInteger(port) || port < 1 || port > 65_535) return 'a number from 1 to 65535';
      draft.checkPort = port;
      return undefined;
    }
    case 'checktimeout': {
      const time = parseTime(value);
      if (time === undefined || time <= 0) return 'a time such as 3 or 500ms';
      draft.checkTimeout = time;
      return undefined;
    }
    case 'receive':
      checkExpression(value, line, reporter);
      draft.receive = value;
      return undefined;
    case 'status': {
      const statuses = parseStatuses(value);
      if (!statuses) return 'statuses and ranges from 100 to 599, such as "200-299 401"';
      draft.statuses = statuses;
      return undefined;
    }
    case 'regex':
      draft.regex = value === 'yes';
      return value === 'yes' || value === 'no' ? undefined : 'yes or no';
    case 'checkcommand':
      draft.checkCommand = value;
      return undefined;
    case 'virtualhost':
      draft.virtualHost = value;
      return undefined;
    case 'request':
    case 'send':
    case 'expect':
      draft[name] = value;
      return undefined;
    default: {
      const near = nearest(name, ['checktype', 'service', 'checkport', 'checktimeout', 'checkcommand', 'request', 'receive', 'status', 'virtualhost', 'send', 'expect', 'regex']); // prettier-ignore
      return near === undefined ? 'not known here' : `did you mean ${near}?`;
    }
  }
}

/** The servers with their checks; reports a line that matches none of them. */
export function withRealChecks(
  reals: readonly RealServer[],
  checks: readonly WrittenRealCheck[],
  virtualPort: number,
  reporter: Reporter,
): RealServer[] {
  const isAbout = ({address, port}: WrittenRealCheck, real: RealServer): boolean =>
    address === real.address && (port === 0 || port === (real.port || virtualPort));
  for (const check of checks)
    if (!reals.some((real) => isAbout(check, real)))
      reporter.error(
        'bad-address',
        check.line.valueSpan,
        'hactl_check is about a server that this virtual service does not have',
        'name the address and the port of one of its real lines',
      );
  return reals.map((real) => {
    const check = checks.findLast((check) => isAbout(check, real))?.check;
    return check ? {...real, check} : real;
  });
}
