/** Converts a checker of keepalived to a check of ldirectord.cf. Pure. */
import type {CheckService, StatusRange} from '../model.ts';
import type {ImportedCheck} from './imported.ts';
import type {Checker, CheckerName} from './keepalived-checker.ts';
import {isHost, ORDINARY} from './keepalived-web.ts';

/** A server's check in the terms of ldirectord.cf. */
export interface Native {
  readonly type: ImportedCheck['type'];
  readonly service?: CheckService;
  readonly port?: number;
  readonly request?: string;
  readonly receive?: string;
  readonly virtualHost?: string;
  readonly statuses?: readonly StatusRange[];
  readonly timeout?: number;
}

export interface Converted {
  readonly native: Native;
  readonly fate: 'exact' | 'approximated' | 'changed';
  readonly how: string;
}

const NEGOTIATE = 'ldirectord.cf: checktype=negotiate, service=';

/** Checkers that connect to a port. */
const connecting: ReadonlySet<CheckerName> = new Set([
  'TCP_CHECK', 'HTTP_GET', 'SSL_GET', 'SMTP_CHECK', 'DNS_CHECK',
]); // prettier-ignore

/** The check of a server. `port`: in the table; `written`: in the file, 0 if there is none. */
export function convert(
  checker: Checker,
  server: {readonly port: number; readonly written: number},
  isUdp: boolean,
): Converted {
  if (!connecting.has(checker.kind) || checker.port !== undefined || server.written === server.port)
    return convertPlain(checker, isUdp, checker.port ?? server.port);
  if (server.written > 0) return convertPlain({...checker, port: server.written}, isUdp, server.written);
  const {native} = convertPlain(checker, isUdp, server.port);
  return {
    native,
    fate: 'changed',
    how: `the server has no port: keepalived connects to port 0, where nothing answers; here port ${server.port} is checked`,
  };
}

function convertPlain(checker: Checker, isUdp: boolean, target: number): Converted {
  const {kind, settings, port} = checker;
  const timeout = settings.connectTimeout;
  const base = {
    ...(port === undefined ? {} : {port}),
    ...(timeout === undefined ? {} : {timeout}),
  };
  const reach = isUdp ? 'the host is pinged' : 'the check only connects';
  switch (kind) {
    case 'HTTP_GET':
    case 'SSL_GET':
      return convertWeb(checker, base);
    case 'SMTP_CHECK':
      return {native: {type: 'negotiate', service: 'smtp', ...base}, fate: 'exact', how: `${NEGOTIATE}smtp`};
    case 'DNS_CHECK': {
      const {name = '.', type = 'SOA'} = checker.dns ?? {};
      if (type === 'A' && name !== '.')
        return {
          native: {type: 'negotiate', service: 'dns', request: name, ...base},
          fate: 'approximated',
          how: `${NEGOTIATE}dns; the answer must have an address, keepalived accepts any answer without an error`,
        };
      return {
        native: {type: 'connect', ...base},
        fate: 'changed',
        how: `keepalived queries ${type} of ${name}; the check here can query addresses only, so ${reach}`,
      };
    }
    case 'UDP_CHECK':
      return {
        native: {type: 'ping', ...(timeout === undefined ? {} : {timeout})},
        fate: 'changed',
        how: 'ldirectord.cf: checktype=ping: a closed port is not detected',
      };
    case 'PING_CHECK':
      return {
        native: {type: 'ping', ...(timeout === undefined ? {} : {timeout})},
        fate: 'exact',
        how: 'ldirectord.cf: checktype=ping',
      };
    case 'MISC_CHECK':
      return {
        native: {type: 'external', ...(timeout === undefined ? {} : {timeout})},
        fate: 'exact',
        how: 'ldirectord.cf: checktype=external',
      };
    case 'TCP_CHECK':
      // A firewall mark and a server without a port: there is no port to connect to.
      if (target === 0)
        return {
          native: {type: 'ping', ...(timeout === undefined ? {} : {timeout})},
          fate: 'changed',
          how: 'neither the server nor its firewall mark has a port: keepalived connects to port 0, where nothing answers; here the host is pinged: add connect_port',
        };
      return {native: {type: 'connect', ...base}, fate: 'exact', how: 'ldirectord.cf: checktype=connect'};
    case 'BFD_CHECK':
    case 'FILE_CHECK':
      return {native: {type: 'connect', ...base}, fate: 'exact', how: 'ldirectord.cf: checktype=connect'};
  }
}

function convertWeb(checker: Checker, base: Pick<Native, 'port' | 'timeout'>): Converted {
  const {kind, request = '/', receive, virtualHost, statuses = ORDINARY} = checker;
  const host = virtualHost !== undefined && isHost(virtualHost) ? virtualHost : undefined;
  const service = kind === 'SSL_GET' ? 'https' : 'http';
  return {
    native: {
      type: 'negotiate',
      service,
      ...base,
      request,
      statuses,
      ...(receive === undefined ? {} : {receive}),
      ...(host === undefined ? {} : {virtualHost: host}),
    },
    fate: 'exact',
    how: `${NEGOTIATE}${service} with hactl_status: the same statuses pass, redirects are not followed`,
  };
}
