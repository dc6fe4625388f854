/** One checker of keepalived in ldirectord's words. Pure. */
import type {CheckService} from '../model.ts';
import type {ImportedCheck} from './imported.ts';
import type {Checker} from './keepalived-checker.ts';
import {isOrdinary, statusExpression} from './keepalived-web.ts';
import {isQuotable} from './words.ts';

/** One server's check in our words. */
export interface Native {
  readonly type: ImportedCheck['type'];
  readonly service?: CheckService;
  readonly port?: number;
  readonly request?: string;
  readonly receive?: string;
  readonly virtualHost?: string;
  readonly sendExpect?: NonNullable<ImportedCheck['sendExpect']>;
  readonly timeout?: number;
}

export interface Converted {
  readonly native: Native;
  readonly fate: 'exact' | 'approximated' | 'changed';
  readonly how: string;
}

const NEGOTIATE = 'ldirectord.cf: checktype=negotiate, service=';

export function convert(checker: Checker, isUdp: boolean): Converted {
  const {kind, settings, port} = checker;
  const timeout = settings.connectTimeout;
  const base = {
    ...(port === undefined ? {} : {port}),
    ...(timeout === undefined ? {} : {timeout}),
  };
  const reach = isUdp ? 'the host is pinged' : 'only the connection is tried';
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
          how: `${NEGOTIATE}dns; an address must come, to keepalived any answer without an error will do`,
        };
      return {
        native: {type: 'connect', ...base},
        fate: 'changed',
        how: `keepalived asks for ${type} of ${name}; the check here can ask for addresses only, so ${reach}`,
      };
    }
    case 'UDP_CHECK':
      return {
        native: {type: 'ping', ...(timeout === undefined ? {} : {timeout})},
        fate: 'changed',
        how: 'ldirectord.cf: checktype=ping: a port that nobody listens on is not noticed',
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
    case 'BFD_CHECK':
    case 'FILE_CHECK':
      return {native: {type: 'connect', ...base}, fate: 'exact', how: 'ldirectord.cf: checktype=connect'};
  }
}

function convertWeb(checker: Checker, base: Pick<Native, 'port' | 'timeout'>): Converted {
  const {kind, request = '/', receive, virtualHost, statuses = [[200, 299]], version = '1.0'} = checker;
  const host = virtualHost === undefined || !/^[\w.:[\]-]+$/.test(virtualHost) ? undefined : virtualHost;
  const service = kind === 'SSL_GET' ? 'https' : 'http';
  const asService: Native = {
    type: 'negotiate',
    service,
    ...base,
    request,
    ...(receive === undefined ? {} : {receive}),
    ...(host === undefined ? {} : {virtualHost: host}),
  };
  // A plain request's status line can be compared as it is: no redirect is followed, as in keepalived.
  if (kind === 'HTTP_GET' && receive === undefined && isQuotable(request)) {
    const header =
      host === undefined ? (version === '1.1' ? 'Host: localhost\\r\\n' : '') : `Host: ${host}\\r\\n`;
    const send = `GET ${request.replaceAll('\\', '\\\\')} HTTP/${version}\\r\\nUser-Agent: KeepAliveClient\\r\\n${header}${version === '1.1' ? 'Connection: close\\r\\n' : ''}\\r\\n`;
    return {
      native: {
        type: 'negotiate',
        ...base,
        sendExpect: {send, expect: statusExpression(statuses), regex: true},
      },
      fate: 'exact',
      how: 'ldirectord.cf: hactl_send and hactl_expect: the same request, the same statuses pass',
    };
  }
  if (isOrdinary(statuses))
    return {
      native: asService,
      fate: 'approximated',
      how: `${NEGOTIATE}${service}; every status from 200 to 299 passes, and redirects are followed`,
    };
  const wanted = statuses.map(([from, to]) => (from === to ? from : `${from}-${to}`)).join(' ');
  return {
    native: {type: 'connect', ...base},
    fate: 'changed',
    how: `keepalived wants the status ${wanted}, the web check here 200 to 299: only the connection is tried`,
  };
}
