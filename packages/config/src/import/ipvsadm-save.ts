/** The output of `ipvsadm-save` or `ipvsadm -S`, with and without -n. Pure. */
import {ipv4, ipv6, portNumber, prefixLength} from '../addresses.ts';
import type {ForwardMethod, Span, VirtualAddress} from '../model.ts';
import {linesOf, Reporter} from '../reader.ts';
import type {
  ImportContext,
  Imported,
  ImportedReal,
  ImportedVirtual,
  ImportSource,
  Parsed,
} from './imported.ts';
import {parseCommand, type Command} from './ipvsadm-words.ts';
import {newNotes, wholeNumber, type Notes} from './words.ts';

export function parseIpvsadmSave(source: ImportSource, context: ImportContext): Parsed {
  const reporter = new Reporter(source.path, 'lenient');
  const notes = newNotes();
  const virtuals = new Map<string, ImportedVirtual & {readonly reals: ImportedReal[]}>();
  for (const line of linesOf(source.text)) {
    const command = parseCommand(line.text, line.start, reporter);
    if (!command) continue;
    const {values, span, text} = command;
    const isService = values.has('add-service');
    if (isService === values.has('add-server')) {
      reporter.error(
        'unknown-directive',
        span,
        `"${text.slice(0, 60)}" adds neither a service nor a server`,
        'ipvsadm-save writes only lines with -A and -a',
      );
      continue;
    }
    if (values.has('sctp-service')) {
      notes.omitted(span, text, 'ldirectord.cf supports tcp and udp, not sctp');
      continue;
    }
    const address = parseAddress(command, context, reporter);
    if (!address) continue;
    const key = JSON.stringify(address);
    if (!isService) {
      const service = virtuals.get(key);
      const real = parseReal(command, address, context, reporter, notes);
      if (!service)
        reporter.error(
          'unresolved-name',
          span,
          'no line above adds the service of this server',
          'move the -A line of the service above it',
        );
      else if (real) service.reals.push(real);
      continue;
    }
    if (virtuals.has(key)) {
      reporter.error(
        'duplicate-virtual',
        span,
        'this service was added above',
        'remove one of the two lines',
      );
      continue;
    }
    virtuals.set(key, parseService(command, address, reporter, notes));
  }
  const imported: Imported = {
    kind: 'ipvsadm',
    virtuals: [...virtuals.values()],
    scripts: [],
    notes: notes.list,
  };
  return {imported, diagnostics: reporter.diagnostics, sources: new Map([[source.path, source]])};
}

const split = (text: string): readonly [string, string | undefined] => {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(text);
  return match ? [match[1] ?? '', match[2]] : [text, undefined];
};

/** An address and a port, or their names: ipvsadm writes names without -n. */
function parseEndpoint(
  word: {readonly text: string; readonly span: Span},
  protocol: 'tcp' | 'udp',
  context: ImportContext,
  reporter: Reporter,
): {readonly address: string; readonly port: number} | undefined {
  const [host, service] = split(word.text);
  const address =
    ipv4(host) ??
    ipv6(host) ??
    (/^[\w.-]*[a-z][\w.-]*$/i.test(host)
      ? (context.resolve.host(host, 4) ?? context.resolve.host(host, 6))
      : undefined);
  if (address === undefined) {
    reporter.error(
      'unresolved-name',
      word.span,
      `${host} is neither an address nor a name that resolves on this machine`,
      'save the table with numbers: ipvsadm-save -n',
    );
    return undefined;
  }
  const port =
    service === undefined ? 0 : (portNumber(service) ?? context.resolve.service(service, protocol));
  if (port === undefined) {
    reporter.error(
      'bad-port',
      word.span,
      `${service} is neither a port nor a known service name`,
      'save the table with numbers: ipvsadm-save -n',
    );
    return undefined;
  }
  return {address, port};
}

function parseAddress(
  command: Command,
  context: ImportContext,
  reporter: Reporter,
): VirtualAddress | undefined {
  const {values, span} = command;
  const mark = values.get('fwmark-service');
  if (mark) {
    const number = wholeNumber(mark.text, 1, 2 ** 32 - 1);
    if (number === undefined)
      reporter.error('bad-value', mark.span, `"${mark.text}" is not a firewall mark`, 'a number from 1');
    return number === undefined
      ? undefined
      : {kind: 'fwmark', family: values.has('ipv6') ? 6 : 4, mark: number};
  }
  const [tcp, udp] = [values.get('tcp-service'), values.get('udp-service')];
  const word = tcp ?? udp;
  if (!word) {
    reporter.error(
      'missing-value',
      span,
      'the line has no service',
      'add -t ADDRESS:PORT, -u ADDRESS:PORT or -f MARK',
    );
    return undefined;
  }
  const endpoint = parseEndpoint(word, tcp ? 'tcp' : 'udp', context, reporter);
  return (
    endpoint && {
      kind: 'address',
      family: endpoint.address.includes(':') ? 6 : 4,
      ...endpoint,
      protocol: tcp ? 'tcp' : 'udp',
    }
  );
}

function parseService(
  command: Command,
  address: VirtualAddress,
  reporter: Reporter,
  notes: Notes,
): ImportedVirtual & {readonly reals: ImportedReal[]} {
  const {values, span, text} = command;
  const scheduler = values.get('scheduler');
  if (scheduler && !/^[a-z]+$/.test(scheduler.text))
    reporter.error(
      'bad-value',
      scheduler.span,
      `"${scheduler.text}" is not a scheduler`,
      'rr, wrr, lc, wlc, lblc, lblcr, dh, sh, mh, sed, nq, fo, ovf',
    );
  const persistent = values.get('persistent');
  const seconds = persistent && wholeNumber(persistent.text, 1, 2 ** 31 - 1);
  if (persistent && seconds === undefined)
    reporter.error(
      'bad-value',
      persistent.span,
      `"${persistent.text}" is not a number of seconds`,
      'a whole number from 1',
    );
  const mask = values.get('netmask');
  const isMask =
    mask &&
    (address.family === 4
      ? ipv4(mask.text) !== undefined && prefixLength(mask.text, 4) !== undefined
      : wholeNumber(mask.text, 1, 128) !== undefined);
  if (mask && !isMask)
    reporter.error(
      'bad-value',
      mask.span,
      `"${mask.text}" is not a netmask`,
      address.family === 4 ? '255.255.255.0' : 'a prefix length from 1 to 128',
    );
  const flags = values.get('sched-flags');
  if (flags && !/^[\w,-]+$/.test(flags.text))
    reporter.error(
      'bad-value',
      flags.span,
      `"${flags.text}" is not a list of scheduler flags`,
      'sh-port,sh-fallback or flag-1,flag-2,flag-3',
    );
  const engine = values.get('pe');
  if (engine)
    notes.approximated(
      span,
      text,
      `without the persistence engine ${engine.text}: persistence is by client address only`,
    );
  else
    notes.approximated(
      span,
      text,
      'ldirectord.cf: a virtual service with checktype=on: the table has no checks, so its servers are always up',
    );
  return {
    span,
    address,
    reals: [],
    check: {type: 'on'},
    scheduler: scheduler?.text ?? 'wlc',
    ...(flags ? {schedFlags: flags.text} : {}),
    ...(seconds === undefined ? {} : {persistent: seconds}),
    ...(isMask ? {netmask: mask.text} : {}),
    ops: values.has('ops'),
    quiescent: false,
  };
}

function parseReal(
  command: Command,
  virtual: VirtualAddress,
  context: ImportContext,
  reporter: Reporter,
  notes: Notes,
): ImportedReal | undefined {
  const {values, span, text} = command;
  const word = values.get('real-server');
  if (!word) {
    reporter.error('missing-value', span, 'the line has no server', 'add -r ADDRESS:PORT');
    return undefined;
  }
  const endpoint = parseEndpoint(
    word,
    virtual.kind === 'address' ? virtual.protocol : 'tcp',
    context,
    reporter,
  );
  const number = (name: string, otherwise: number): number => {
    const option = values.get(name);
    const value = option ? wholeNumber(option.text, 0, 2 ** 31 - 1) : otherwise;
    if (option && value === undefined)
      reporter.error('bad-value', option.span, `"${option.text}" is not a number`, 'a whole number from 0');
    return value ?? otherwise;
  };
  const [weight, upperThreshold, lowerThreshold] = [
    number('weight', 1),
    number('u-threshold', 0),
    number('l-threshold', 0),
  ];
  const method: ForwardMethod = values.has('masquerading') ? 'masq' : values.has('ipip') ? 'ipip' : 'gate';
  if (!endpoint) return undefined;
  if (endpoint.address.includes(':') !== (virtual.family === 6)) {
    notes.omitted(span, text, 'a server of the other address family cannot be in this virtual service');
    return undefined;
  }
  const tunnel = values.get('tun-type');
  if (method === 'ipip' && tunnel && tunnel.text !== 'ipip')
    notes.omitted(
      span,
      text,
      `the tunnel is plain ipip here, not ${tunnel.text}: the real server must accept ipip`,
    );
  else notes.exact(span, text, 'ldirectord.cf: real');
  return {...endpoint, method, weight, upperThreshold, lowerThreshold};
}
