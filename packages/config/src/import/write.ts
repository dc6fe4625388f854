/** Writes the imported configuration as the text of our files. Pure. */
import type {Millis} from '@hactl/base';
import type {RealCheck, Span, StatusRange, Vip} from '../model.ts';
import type {Imported, ImportedPair, ImportedReal, ImportedVirtual} from './imported.ts';

export interface WrittenFile {
  /** Relative to the configuration directory. */
  readonly name: string;
  readonly text: string;
  readonly mode: number;
  /** The source of each line, if known: diagnostics about the line point there. */
  readonly origins?: readonly (Span | undefined)[];
}

export interface WriteOptions {
  /** Name of the source, for the first line of each file. */
  readonly origin: string;
  readonly installDir: string;
  /** The key for authkeys if the source has none. */
  readonly secret: string;
}

const time = (millis: Millis): string => (millis % 1_000 === 0 ? String(millis / 1_000) : `${millis}ms`);

export function writeFiles(imported: Imported, options: WriteOptions): WrittenFile[] {
  const {pair, virtuals} = imported;
  const head = `# Written by hactl import from ${options.origin.replace(/[^\x20-\x7e]/g, '?')}.`;
  const files: WrittenFile[] = [];
  if (pair) {
    files.push({name: 'ha.cf', text: haCf(pair, head, options.installDir), mode: 0o644});
    files.push({name: 'haresources', text: haresources(pair, virtuals.length > 0, head), mode: 0o644});
    files.push({
      name: 'authkeys',
      text: `${head}\nauth 1\n1 sha256 ${pair.secret ?? options.secret}\n`,
      mode: 0o600,
    });
  }
  if (virtuals.length > 0 || !pair) files.push(ldirectordFile(imported, head, options.installDir));
  for (const {name, text} of imported.scripts) files.push({name, text, mode: 0o755});
  return files;
}

function haCf(pair: ImportedPair, head: string, installDir: string): string {
  const [first] = pair.media;
  return [
    head,
    `node ${pair.nodes.join(' ')}`,
    `keepalive ${time(pair.keepalive)}`,
    `deadtime ${time(pair.deadtime)}`,
    ...(first ? [`udpport ${first.port}`] : []),
    ...pair.media.map((medium) =>
      medium.kind === 'ucast'
        ? `ucast ${medium.device} ${medium.peer}`
        : medium.kind === 'mcast'
          ? `mcast ${medium.device} ${medium.group} ${medium.port} ${medium.ttl} ${medium.loop ? 1 : 0}`
          : `bcast ${medium.device}`,
    ),
    `auto_failback ${pair.autoFailback ? 'on' : 'off'}`,
    ...(pair.preemptDelay === undefined ? [] : [`hactl_preempt_delay ${time(pair.preemptDelay)}`]),
    ...(pair.trackInterfaces?.length ? [`hactl_track_interface ${pair.trackInterfaces.join(' ')}`] : []),
    ...(pair.trackScripts ?? []).map(
      ({every, command}) =>
        `hactl_track_script ${time(every)} ${command.startsWith('/') ? command : `${installDir}/${command}`}`,
    ),
    ...(pair.dynamicWeight ? ['hactl_dynamic_weight on'] : []),
    '',
  ].join('\n');
}

function vipWord(vip: Vip): string {
  const device = vip.device === undefined ? '' : `/${vip.label ?? vip.device}`;
  const broadcast = vip.broadcast === undefined ? '' : `/${vip.broadcast}`;
  return `${vip.family === 6 ? 'IPv6addr' : 'IPaddr2'}::${vip.address}/${vip.prefixLength ?? (vip.family === 6 ? 128 : 32)}${device}${broadcast}`;
}

/** ldirectord before the addresses: the table is programmed before an address is added. */
function haresources(pair: ImportedPair, hasVirtuals: boolean, head: string): string {
  const lines = pair.groups.flatMap((group, index) => {
    const words = [
      ...(hasVirtuals && index === 0 ? ['ldirectord::ldirectord.cf'] : []),
      ...(group.sync ? [`LVSSyncDaemonSwap::master::${group.sync.device}::${group.sync.id}`] : []),
      ...group.vips.map(vipWord),
      ...group.scripts,
      ...(group.mailTo?.length ? [`MailTo::${group.mailTo.join(',')}::keepalived`] : []),
    ];
    return words.length === 0 ? [] : [[group.node, ...words].join(words.length > 3 ? ' \\\n\t' : ' ')];
  });
  return [head, ...lines, ''].join('\n');
}

const bracket = (address: string): string => (address.includes(':') ? `[${address}]` : address);
const endpoint = (address: string, port: number): string =>
  port === 0 ? bracket(address) : `${bracket(address)}:${port}`;

function ldirectordFile(imported: Imported, head: string, installDir: string): WrittenFile {
  const {email, emailSpan, virtuals} = imported;
  const intervals = new Set(virtuals.flatMap(({check}) => check.interval ?? []));
  const [interval] = intervals;
  const isCommon = intervals.size === 1;
  const lines: (readonly [text: string, origin?: Span | undefined])[] = [
    [head],
    ...(isCommon && interval !== undefined ? [[`checkinterval=${time(interval)}`] as const] : []),
    ...(email ? [[`emailalert="${email.to.join(', ')}"`, emailSpan] as const] : []),
    ...(email?.from === undefined ? [] : [[`emailalertfrom=${email.from}`, emailSpan] as const]),
    ...(email?.smtp === undefined ? [] : [[`smtp=${email.smtp}`, emailSpan] as const]),
    ...virtuals.flatMap((virtual) => [
      ['', virtual.span] as const,
      ...virtualLines(virtual, !isCommon, installDir),
    ]),
    [''],
  ];
  return {
    name: 'ldirectord.cf',
    text: lines.map(([text]) => text).join('\n'),
    mode: 0o644,
    origins: lines.map(([, origin]) => origin),
  };
}

function virtualLines(
  virtual: ImportedVirtual,
  hasInterval: boolean,
  installDir: string,
): (readonly [text: string, origin?: Span])[] {
  const {address, check, fallback} = virtual;
  const six = address.family === 6 ? '6' : '';
  const lines: [text: string, origin: Span][] = [];
  const add = (name: string, value: string | number | undefined, origin = virtual.span): void => {
    if (value !== undefined) lines.push([`\t${name}=${value}`, origin]);
  };
  if (virtual.comment !== undefined)
    add('comment', virtual.comment.replace(/[^\w .:-]+/g, '_').trim() || '_');
  for (const real of virtual.reals) add(`real${six}`, realValue(real), real.span);
  if (fallback)
    add(
      address.family === 6 ? 'fallback6' : 'fallback',
      `${endpoint(fallback.address, fallback.port)} ${fallback.method}`,
    );
  add('protocol', address.kind === 'address' ? address.protocol : 'fwm');
  add('scheduler', virtual.scheduler);
  add('schedflags', virtual.schedFlags);
  add('persistent', virtual.persistent);
  add('netmask', virtual.netmask);
  if (virtual.ops) add('ops', 'yes');
  add('quiescent', virtual.quiescent ? 'yes' : 'no');
  add('checktype', check.type);
  add('service', check.service);
  if (check.script !== undefined) add('checkcommand', `${installDir}/${check.script}`);
  add('checkport', check.port);
  if (check.timeout !== undefined) add('checktimeout', time(check.timeout));
  if (hasInterval && check.interval !== undefined) add('checkinterval', time(check.interval));
  add('failurecount', check.failures);
  add('virtualhost', check.virtualHost);
  if (check.request !== undefined) add('request', `"${check.request}"`);
  if (check.receive !== undefined) add('receive', `"${check.receive}"`);
  if (check.statuses) add('hactl_status', `"${statusText(check.statuses)}"`);
  const {send, expect, regex} = check.sendExpect ?? {};
  if (send !== undefined) add('hactl_send', `"${send}"`);
  if (expect !== undefined) add('hactl_expect', `"${expect}"`);
  if (regex) add('hactl_expect_regex', 'yes');
  if (check.rise !== undefined && check.rise > 1) add('hactl_rise', check.rise);
  const port = address.kind === 'address' ? address.port : 0;
  for (const {check, ...real} of virtual.reals)
    if (check) add('hactl_check', checkValue(real, port, check, installDir), real.span);
  const head =
    address.kind === 'address' ? `${bracket(address.address)}:${address.port}` : String(address.mark);
  return [[`virtual${six}=${head}`, virtual.span], ...lines];
}

/** The value of hactl_status. */
const statusText = (ranges: readonly StatusRange[]): string =>
  ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(' ');

function checkValue(
  real: {readonly address: string; readonly port: number},
  virtualPort: number,
  check: RealCheck,
  installDir: string,
): string {
  const {send, expect, regex} = check.sendExpect ?? {};
  const texts: readonly (readonly [string, string | undefined])[] = [
    ['request', check.request],
    ['receive', check.receive],
    ['status', check.statuses && statusText(check.statuses)],
    ['send', send],
    ['expect', expect],
  ];
  return [
    endpoint(real.address, real.port || virtualPort),
    ...(check.checkType ? [`checktype=${check.checkType.kind}`] : []),
    ...(check.service === undefined ? [] : [`service=${check.service}`]),
    ...(check.checkCommand === undefined ? [] : [`checkcommand="${installDir}/${check.checkCommand}"`]),
    ...(check.checkPort === undefined ? [] : [`checkport=${check.checkPort}`]),
    ...(check.checkTimeout === undefined ? [] : [`checktimeout=${time(check.checkTimeout)}`]),
    ...(check.virtualHost === undefined ? [] : [`virtualhost=${check.virtualHost}`]),
    ...texts.flatMap(([name, text]) => (text === undefined ? [] : [`${name}="${text}"`])),
    ...(regex ? ['regex=yes'] : []),
  ].join(' ');
}

function realValue(real: ImportedReal): string {
  return [
    endpoint(real.address, real.port),
    real.method,
    String(real.weight),
    ...(real.request === undefined ? [] : [`"${real.request}", "${real.receive ?? '.*'}"`]),
    ...(real.lowerThreshold > 0 ? [`l:${real.lowerThreshold}`] : []),
    ...(real.upperThreshold > 0 ? [`u:${real.upperThreshold}`] : []),
  ].join(' ');
}
