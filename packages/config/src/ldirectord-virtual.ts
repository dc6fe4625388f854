/** One virtual= block → a virtual service with every default filled in. Pure. */
import {finishAddress, parseHead} from './ldirectord-address.ts';
import {parseLine, type Draft} from './ldirectord-draft.ts';
import {CHECK_TIMEOUT, emailOf, NEGOTIATE_TIMEOUT, type Inherited} from './ldirectord-inherited.ts';
import {judgeForKernel} from './ldirectord-kernel.ts';
import type {Block} from './ldirectord-lines.ts';
import {finishSendExpect, finishSendProgram, finishStatuses} from './ldirectord-ours.ts';
import {withRealChecks} from './ldirectord-real-check.ts';
import type {CheckService, CheckType, VirtualAddress, VirtualService} from './model.ts';
import type {Reporter, Resolver} from './reader.ts';

const serviceOfPort: Readonly<Record<number, CheckService>> = {
  21: 'ftp', 25: 'smtp', 53: 'dns', 80: 'http', 110: 'pop', 119: 'nntp', 143: 'imap', 389: 'ldap', 443: 'https',
  587: 'submission', 636: 'ldaps', 993: 'imaps', 995: 'pops', 1521: 'oracle', 1812: 'radius', 3128: 'http_proxy',
  3306: 'mysql', 5060: 'sip', 5432: 'pgsql',
}; // prettier-ignore

/** Services whose protocol is not implemented (Debian has no client): the check only connects, with a warning. */
const connectedOnly: ReadonlySet<CheckService> = new Set(['oracle']);

const webServices = new Set<CheckService>(['http', 'https', 'http_proxy']);

/** The service of a block; undefined when its virtual line is wrong. */
export function parseVirtual(
  block: Block,
  defaults: Inherited,
  fork: boolean,
  resolver: Resolver,
  reporter: Reporter,
): VirtualService | undefined {
  const {head} = block;
  const start = parseHead(head, resolver, reporter);
  const family = start?.family ?? (head.name === 'virtual6' ? 6 : 4);
  const inherited: Inherited = {...defaults};
  if (family === 6) {
    delete inherited.fallback;
    if (defaults.fallback6) inherited.fallback = defaults.fallback6;
  }
  const draft: Draft = {
    family,
    head: start,
    own: inherited,
    reals: [],
    realChecks: [],
    texts: {},
    checkType: {kind: 'negotiate'},
    httpMethod: 'GET',
    scheduler: 'wrr',
    ops: false,
    ours: {},
  };
  for (const line of block.lines) {
    if (line.name === 'checkinterval' && !fork)
      reporter.add(
        'warning',
        'ignored-directive',
        line.nameSpan,
        'ldirectord ignores checkinterval in a virtual service when fork=no',
        'hactl honours it',
      );
    parseLine(line, draft, resolver, reporter);
  }
  const address = start && finishAddress(head, start, draft.protocol, resolver, reporter);
  return address && finish(block, address, draft, reporter);
}

function finish(block: Block, address: VirtualAddress, draft: Draft, reporter: Reporter): VirtualService {
  const {own} = draft;
  const {span} = block.head;
  const port = address.kind === 'address' ? address.port : 0;
  const reals = withRealChecks(draft.reals, draft.realChecks, port, reporter);
  const sendProgram = finishSendProgram(draft, span, reporter);
  const checkType: CheckType = sendProgram ? {kind: 'external'} : draft.checkType;
  const sendExpect = sendProgram ? undefined : finishSendExpect(draft, address, span, reporter);
  const service = sendExpect ? 'send-expect' : (draft.service ?? serviceOfPort[port] ?? 'none');
  if (checkType.kind === 'negotiate' || checkType.kind === 'combined')
    if (connectedOnly.has(service) && reporter.mode === 'lenient')
      reporter.add(
        'warning',
        'connect-only',
        span,
        `service ${service}: this release only opens a connection (or pings the host, for udp); request, receive, login and database are not used`,
        'until the protocol is implemented, write checktype=external with a checkcommand',
      );
  for (const real of reals)
    if (real.method !== 'masq' && address.kind === 'address' && real.port !== 0 && real.port !== port)
      reporter.add(
        'warning',
        'port-mapped',
        real.span,
        `with ${real.method} packets arrive unchanged: the real server's port ${real.port} is not used, connections go to port ${port}`,
        'use masq to change the port; checks still use the port as written',
      );
  const {request: written, checkCommand, ...texts} = draft.texts;
  const request =
    written === undefined || !webServices.has(service) || written.startsWith('/') || written.includes('://')
      ? written
      : `/${written}`;
  const virtual: VirtualService = {
    span,
    address,
    reals,
    ...(own.fallback ? {fallback: own.fallback} : {}),
    ...(own.fallbackCommand === undefined ? {} : {fallbackCommand: own.fallbackCommand}),
    checkType,
    service,
    checkCommand: sendProgram?.command.split(/\s/)[0] ?? checkCommand ?? '/bin/true',
    ...(draft.checkPort === undefined ? {} : {checkPort: draft.checkPort}),
    checkTimeout: own.checkTimeout ?? own.negotiateTimeout ?? CHECK_TIMEOUT,
    negotiateTimeout: own.negotiateTimeout ?? own.checkTimeout ?? NEGOTIATE_TIMEOUT,
    checkInterval: own.checkInterval,
    checkCount: own.checkCount,
    failureCount: own.failureCount,
    ...(request === undefined ? {} : {request}),
    httpMethod: draft.httpMethod,
    scheduler: draft.scheduler,
    ...texts,
    ...(draft.persistent === undefined ? {} : {persistent: draft.persistent}),
    ops: draft.ops,
    quiescent: own.quiescent,
    cleanStop: own.cleanStop,
    email: emailOf(own),
    ...(sendExpect ? {sendExpect} : {}),
    ...(sendProgram ? {sendProgram} : {}),
    ...(draft.ours.rise === undefined ? {} : {rise: draft.ours.rise}),
    ...finishStatuses(draft.ours, service, span, reporter),
    ...(draft.ours.mysqlKey === undefined ? {} : {mysqlKey: draft.ours.mysqlKey}),
  };
  const schedulerLine = block.lines.findLast(({name}) => name === 'scheduler');
  judgeForKernel(virtual, schedulerLine?.valueSpan ?? span, reporter);
  return virtual;
}
