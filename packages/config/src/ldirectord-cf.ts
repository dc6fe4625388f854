/** ldirectord.cf → the model, with ldirectord 4.12's defaults and inheritance. Pure. */
import {ipv4, ipv6} from './addresses.ts';
import type {Diagnostic} from './diagnostic.ts';
import {splitLdirectord, type Block, type Directive} from './ldirectord-lines.ts';
import {
  takeFallback,
  takeHost,
  takeNumber,
  takePort,
  takeQuoted,
  takeReals,
  takeSeconds,
  takeText,
  takeWord,
  takeYesNo,
} from './ldirectord-values.ts';
import type {
  CheckService,
  CheckType,
  EmailAlert,
  FallbackServer,
  LdirectordConfig,
  Mode,
  RealServer,
  VirtualAddress,
  VirtualService,
} from './model.ts';
import {translatePerlRegex} from './perl-regex.ts';
import {Reporter, type Resolver} from './reader.ts';

export const services: readonly CheckService[] = [
  'dns', 'ftp', 'http', 'https', 'http_proxy', 'imap', 'imaps', 'ldap', 'ldaps', 'mysql', 'nntp', 'none', 'oracle',
  'pgsql', 'pop', 'pops', 'radius', 'simpletcp', 'sip', 'smtp', 'submission',
]; // prettier-ignore

const serviceOfPort: Readonly<Record<number, CheckService>> = {
  21: 'ftp', 25: 'smtp', 53: 'dns', 80: 'http', 110: 'pop', 119: 'nntp', 143: 'imap', 389: 'ldap', 443: 'https',
  587: 'submission', 636: 'ldaps', 993: 'imaps', 995: 'pops', 1521: 'oracle', 1812: 'radius', 3128: 'http_proxy',
  3306: 'mysql', 5060: 'sip', 5432: 'pgsql',
}; // prettier-ignore

/** Services whose dialogue is not spoken (there is no client in Debian): they are only connected to, and that is said. */
const connectedOnly: ReadonlySet<CheckService> = new Set(['oracle']);

const checkTypes = ['negotiate', 'connect', 'ping', 'external', 'external-perl', 'on', 'off'] as const;

/** Settings that a virtual may have of its own and otherwise inherits. */
interface Inherited {
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

const CHECK_TIMEOUT = 5_000;
const NEGOTIATE_TIMEOUT = 30_000;

/** Parses one file. With any error the model is only good for looking at. */
export function parseLdirectordCf(
  source: {readonly path: string; readonly text: string},
  options: {readonly mode: Mode; readonly resolve: Resolver},
): {model: LdirectordConfig; diagnostics: Diagnostic[]} {
  const reporter = new Reporter(source.path, options.mode);
  const {globals, blocks} = splitLdirectord(source.text, reporter);
  const defaults: Inherited = {
    checkInterval: 10_000,
    checkCount: 1,
    failureCount: 1,
    quiescent: false,
    cleanStop: true,
    emailTo: [],
    emailFrequency: 0,
    emailStatus: ['all'],
  };
  const file = {
    autoReload: false,
    readdQuiescent: false,
    fork: false,
    supervised: false,
    logFile: '/var/log/ldirectord.log',
    execute: [] as string[],
    callback: undefined as string | undefined,
    maintenanceDir: undefined as string | undefined,
  };
  for (const one of globals) {
    if (takeShared(one, defaults, 4, options.resolve, reporter)) continue;
    switch (one.name) {
      case 'autoreload':
        file.autoReload = takeYesNo(one, reporter) ?? false;
        break;
      case 'readdquiescent':
        file.readdQuiescent = takeYesNo(one, reporter) ?? false;
        break;
      case 'fork':
        file.fork = takeYesNo(one, reporter) ?? false;
        break;
      case 'supervised':
        file.supervised = takeYesNo(one, reporter) ?? false;
        break;
      case 'logfile':
        file.logFile = takeQuoted(one, reporter) ?? file.logFile;
        break;
      case 'callback':
        file.callback = takeQuoted(one, reporter);
        break;
      case 'execute':
        file.execute.push(takeText(one));
        break;
      case 'maintenancedir':
        file.maintenanceDir = takeText(one);
        break;
      case 'emailalertfrom':
        defaults.emailFrom = takeText(one);
        break;
      case 'fallback6': {
        const taken = takeFallback(one, 6, options.resolve, reporter);
        if (taken) defaults.fallback6 = taken;
        break;
      }
      default:
        reporter.error(
          'unknown-directive',
          one.nameSpan,
          `Unknown command ${one.name}`,
          'it belongs into a virtual service',
        );
    }
  }
  const virtuals = blocks.flatMap(
    (block) => takeVirtual(block, defaults, file.fork, options.resolve, reporter) ?? [],
  );
  duplicates(virtuals, reporter);
  return {
    model: {
      path: source.path,
      autoReload: file.autoReload,
      readdQuiescent: file.readdQuiescent,
      cleanStop: defaults.cleanStop,
      fork: file.fork,
      supervised: file.supervised,
      ...(file.callback === undefined ? {} : {callback: file.callback}),
      logFile: file.logFile,
      execute: file.execute,
      ...(file.maintenanceDir === undefined ? {} : {maintenanceDir: file.maintenanceDir}),
      email: emailOf(defaults),
      virtuals,
    },
    diagnostics: reporter.diagnostics,
  };
}

const emailOf = (settings: Inherited): EmailAlert => ({
  to: settings.emailTo,
  ...(settings.emailFrom === undefined ? {} : {from: settings.emailFrom}),
  frequency: settings.emailFrequency,
  status: settings.emailStatus,
  ...(settings.smtp === undefined ? {} : {smtp: settings.smtp}),
});

/** A directive that may stand in both places. True when it was one. */
function takeShared(
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

function takeAddress(head: Directive, resolver: Resolver, reporter: Reporter): VirtualAddress | undefined {
  const family = head.name === 'virtual6' ? 6 : 4;
  const text = head.value.trim().split(/\s/)[0] ?? '';
  const form =
    family === 6 ? 'virtual6=[ADDRESS]:PORT, or virtual6=MARK' : 'virtual=ADDRESS:PORT, or virtual=MARK';
  const complain = (
    code: 'bad-address' | 'bad-port' | 'fwmark-without-port',
    message: string,
    help = form,
  ): undefined => {
    reporter.error(code, head.valueSpan, message, help);
  };
  if (/^\d+$/.test(text) && Number(text) > 0) return {kind: 'fwmark', family, mark: Number(text)};
  if (family === 4 && text.startsWith('['))
    return complain('bad-address', 'cannot specify an IPv6 address here', 'use virtual6=[ADDRESS]:PORT');
  const match = family === 6 ? /^(\[[^\]]+\]):(\S+)$/.exec(text) : /^([^:]+):(\S+)$/.exec(text);
  if (!match) {
    if (ipv4(text) !== undefined || ipv6(text) !== undefined)
      return complain(
        'fwmark-without-port',
        `virtual=${text} has no port`,
        `ldirectord would take the digits before the first dot for a firewall mark; write virtual=${text}:PORT`,
      );
    return complain('bad-address', `invalid address for virtual service: "${text}"`);
  }
  const [, host = '', port = ''] = match;
  const address = takeHost(host, family, resolver);
  if (address === undefined)
    return complain(
      'bad-address',
      `invalid address for virtual service: ${host} is neither an address nor a name that resolves`,
    );
  const number = takePort(port, 'tcp', resolver) ?? takePort(port, 'udp', resolver);
  if (number === undefined)
    return complain('bad-port', `invalid address for virtual service: no port "${port}"`);
  return {kind: 'address', family, address, port: number, protocol: number === 53 ? 'udp' : 'tcp'};
}

function takeCheckType(one: Directive, reporter: Reporter): CheckType | undefined {
  const digits = /\d+/.exec(one.value)?.[0];
  if (digits !== undefined) return {kind: 'combined', connects: Number(digits)};
  const kind = takeWord(one, checkTypes, reporter);
  return kind === undefined ? undefined : {kind};
}

function takeVirtual(
  block: Block,
  defaults: Inherited,
  fork: boolean,
  resolver: Resolver,
  reporter: Reporter,
): VirtualService | undefined {
  const {head} = block;
  const base = takeAddress(head, resolver, reporter);
  const family = base?.family ?? (head.name === 'virtual6' ? 6 : 4);
  const own: Inherited = {...defaults};
  if (family === 6) {
    delete own.fallback;
    if (defaults.fallback6) own.fallback = defaults.fallback6;
  }
  const reals: RealServer[] = [];
  const text: {
    [
      Name in
        | 'checkCommand'
        | 'request'
        | 'receive'
        | 'virtualHost'
        | 'login'
        | 'passwd'
        | 'database'
        | 'secret'
        | 'load'
        | 'schedFlags'
        | 'netmask'
        | 'monitorFile'
        | 'serviceName'
        | 'comment'
    ]?: string;
  } = {};
  const put = (name: keyof typeof text, value: string | undefined): void => {
    if (value !== undefined) text[name] = value;
  };
  let [checkType, service, checkPort, httpMethod, scheduler, persistent, protocol, ops]: [
    CheckType,
    CheckService | undefined,
    number | undefined,
    'GET' | 'HEAD',
    string,
    number | undefined,
    'tcp' | 'udp' | 'fwm' | undefined,
    boolean,
  ] = [{kind: 'negotiate'}, undefined, undefined, 'GET', 'wrr', undefined, undefined, false];

  for (const one of block.lines) {
    if (one.name === 'checkinterval' && !fork)
      reporter.add(
        'warning',
        'ignored-directive',
        one.nameSpan,
        'ldirectord ignores checkinterval in a virtual service when fork=no',
        'hactl honours it',
      );
    if (takeShared(one, own, family, resolver, reporter)) continue;
    switch (one.name) {
      case 'real':
      case 'real6':
        if ((one.name === 'real6') !== (family === 6))
          reporter.error(
            'bad-address',
            one.nameSpan,
            `${one.name} cannot stand in a ${head.name} service`,
            `write ${family === 6 ? 'real6' : 'real'}=`,
          );
        else reals.push(...takeReals(one, family, resolver, reporter));
        break;
      case 'checktype':
        checkType = takeCheckType(one, reporter) ?? checkType;
        break;
      case 'service':
        service = takeWord(one, services, reporter) ?? service;
        break;
      case 'checkcommand':
        put('checkCommand', takeText(one));
        break;
      case 'checkport': {
        const value = Number(/^"?(\d+)"?$/.exec(one.value.trim())?.[1] ?? NaN);
        if (value >= 1 && value <= 65_535) checkPort = value;
        else
          reporter.error(
            'bad-port',
            one.valueSpan,
            `invalid checkport "${one.value.trim()}"`,
            'checkport is a number from 1 to 65535',
          );
        break;
      }
      case 'request': {
        const value = takeQuoted(one, reporter);
        put('request', value);
        break;
      }
      case 'receive': {
        const value = takeQuoted(one, reporter);
        put('receive', value);
        const regex = value === undefined ? undefined : translatePerlRegex(value);
        if (regex && !regex.ok && reporter.mode === 'lenient')
          reporter.error(
            'bad-regex',
            one.valueSpan,
            `receive is not a usable regular expression: ${regex.fault}`,
            'mend the expression; put a \\ before a character that is meant literally',
          );
        break;
      }
      case 'httpmethod': {
        const word = one.value.trim().replaceAll('"', '').toUpperCase();
        if (word === 'GET' || word === 'HEAD') httpMethod = word;
        else
          reporter.error(
            'bad-value',
            one.valueSpan,
            `httpmethod must be GET or HEAD, not "${one.value.trim()}"`,
            'write httpmethod=GET',
          );
        break;
      }
      case 'virtualhost':
        put('virtualHost', takeText(one) || undefined);
        break;
      case 'login':
      case 'passwd':
      case 'database':
      case 'secret':
      case 'load':
        put(one.name, takeQuoted(one, reporter));
        break;
      case 'scheduler': {
        const word = one.value.trim().replaceAll('"', '');
        if (/^[a-z]+$/.test(word)) scheduler = word;
        else if (/^[a-z]+$/i.test(word)) {
          if (
            reporter.repair(
              'misspelled',
              one.valueSpan,
              'a scheduler is written in lower case',
              word.toLowerCase(),
              [{span: one.valueSpan, replacement: word.toLowerCase()}],
            )
          )
            scheduler = word.toLowerCase();
        } else
          reporter.error(
            'bad-value',
            one.valueSpan,
            `invalid scheduler "${word}", should be only lowercase letters (a-z)`,
            'rr, wrr, lc, wlc, lblc, lblcr, dh, sh, sed, nq, mh, fo, ovf',
          );
        break;
      }
      case 'schedflags':
        put('schedFlags', takeText(one));
        break;
      case 'persistent':
        persistent = takeNumber(one, 0, reporter);
        break;
      case 'netmask': {
        const mask = one.value.trim().replaceAll('"', '');
        const good =
          family === 4
            ? ipv4(mask) !== undefined
            : /^\d{1,3}$/.test(mask) && Number(mask) >= 1 && Number(mask) <= 128;
        if (good) put('netmask', mask);
        else
          reporter.error(
            'bad-value',
            one.valueSpan,
            `invalid netmask "${mask}"`,
            family === 4
              ? 'dotted quad notation is required, 255.255.255.0'
              : 'a prefix length from 1 to 128',
          );
        break;
      }
      case 'protocol':
        protocol = takeWord(one, ['tcp', 'udp', 'fwm'] as const, reporter);
        if (protocol !== undefined && base && (protocol === 'fwm') !== (base.kind === 'fwmark')) {
          reporter.error(
            'protocol-mismatch',
            one.valueSpan,
            base.kind === 'fwmark'
              ? 'protocol must be fwm if the virtual service is a fwmark (a number)'
              : 'protocol must be tcp or udp if the virtual service is an address and port',
            base.kind === 'fwmark' ? 'write protocol=fwm' : 'write protocol=tcp or protocol=udp',
          );
          protocol = undefined;
        }
        break;
      case 'ops':
        ops = takeYesNo(one, reporter) ?? false;
        break;
      case 'monitorfile':
        put('monitorFile', takeText(one));
        break;
      case 'servicename':
        put('serviceName', takeText(one));
        break;
      case 'comment':
        put('comment', takeText(one));
        break;
      default:
        reporter.error(
          'unknown-directive',
          one.nameSpan,
          `Unknown command ${one.name}`,
          'it cannot stand in a virtual service',
        );
    }
  }
  if (!base) return undefined;
  const address: VirtualAddress =
    base.kind === 'address' && (protocol === 'tcp' || protocol === 'udp') ? {...base, protocol} : base;
  const port = address.kind === 'address' ? address.port : 0;
  const serviceName = service ?? serviceOfPort[port] ?? 'none';
  if (checkType.kind === 'negotiate' || checkType.kind === 'combined')
    if (connectedOnly.has(serviceName) && reporter.mode === 'lenient')
      reporter.add(
        'warning',
        'connect-only',
        head.span,
        `service ${serviceName}: this release only tries the connection (pings the host for udp); request, receive, login and database are not used`,
        'write checktype=external with a checkcommand of your own until the dialogue is there',
      );
  for (const real of reals)
    if (real.method !== 'masq' && address.kind === 'address' && real.port !== 0 && real.port !== port)
      reporter.add(
        'warning',
        'port-mapped',
        real.span,
        `with ${real.method} the packet arrives unchanged: the real's port ${real.port} is not used, connections go to port ${port}`,
        'use masq for a port of its own; checks still use the port that is written',
      );
  const webs = new Set<CheckService>(['http', 'https', 'http_proxy']);
  const request =
    text.request === undefined
      ? undefined
      : webs.has(serviceName) && !text.request.startsWith('/') && !text.request.includes('://')
        ? `/${text.request}`
        : text.request;
  const {request: _, checkCommand, ...texts} = text;
  return {
    span: head.span,
    address,
    reals,
    ...(own.fallback ? {fallback: own.fallback} : {}),
    ...(own.fallbackCommand === undefined ? {} : {fallbackCommand: own.fallbackCommand}),
    checkType,
    service: serviceName,
    checkCommand: checkCommand ?? '/bin/true',
    ...(checkPort === undefined ? {} : {checkPort}),
    checkTimeout: own.checkTimeout ?? own.negotiateTimeout ?? CHECK_TIMEOUT,
    negotiateTimeout: own.negotiateTimeout ?? own.checkTimeout ?? NEGOTIATE_TIMEOUT,
    checkInterval: own.checkInterval,
    checkCount: own.checkCount,
    failureCount: own.failureCount,
    ...(request === undefined ? {} : {request}),
    httpMethod,
    scheduler,
    ...texts,
    ...(persistent === undefined ? {} : {persistent}),
    ops,
    quiescent: own.quiescent,
    cleanStop: own.cleanStop,
    email: emailOf(own),
  };
}

function duplicates(virtuals: readonly VirtualService[], reporter: Reporter): void {
  const seen = new Set<string>();
  for (const {address, span} of virtuals) {
    const key = JSON.stringify(address);
    if (seen.has(key))
      reporter.error(
        'duplicate-virtual',
        span,
        'duplicate virtual server',
        'two virtual services with one address, port and protocol: merge them',
      );
    seen.add(key);
  }
}
