/** ldirectord.cf as a list of directives with their values in one spelling. Pure. */
import {
  timeText,
  onOff,
  endpoint,
  virtualName,
  hashed,
  guarded,
  commandShown,
  requestShown,
  loginShown,
  type Fact,
} from './fact.ts';
import type {FallbackServer, LdirectordConfig, RealServer, VirtualService} from './model.ts';

export function fileFacts(file: LdirectordConfig, number: number): Fact[] {
  const settings: Readonly<Record<string, string | undefined>> = {
    autoreload: onOff(file.autoReload),
    callback: file.callback,
    logfile: file.logFile,
    execute: file.execute.join(' ') || undefined,
    maintenancedir: file.maintenanceDir,
  };
  const {path} = file;
  return [
    {
      kind: 'setting',
      file: path,
      directive: `file ${number} readdquiescent`,
      value: onOff(file.readdQuiescent),
    },
    ...Object.entries(settings).flatMap(([name, value]): Fact[] =>
      value === undefined
        ? []
        : [
            {
              kind: 'setting',
              file: path,
              directive: `file ${number} ${name}`,
              ...guarded(value, name === 'callback' ? commandShown(value) : value),
              own: true,
            },
          ],
    ),
    ...file.virtuals.flatMap((virtual) => virtualFacts(path, virtual)),
  ];
}

/** Directives that have another name in the file than in the model. */
const spelled: Readonly<Record<string, string>> = {email: 'emailalert', schedFlags: 'schedflags', ops: 'ops'};
const secrets = new Set(['passwd', 'secret']);
/** The settings of a service in the kernel's table; all others belong to the checks. */
const inKernel = new Set(['scheduler', 'schedFlags', 'persistent', 'netmask', 'ops', 'quiescent']);
const elsewhere = new Set(['span', 'address', 'reals', 'fallback', 'checkType']);

function virtualFacts(file: string, virtual: VirtualService): Fact[] {
  const name = virtualName(virtual);
  const {checkType, fallback} = virtual;
  const base = {file, of: name};
  const facts: Fact[] = [
    {...base, kind: 'service', directive: `virtual ${name}`, value: 'on'},
    {
      ...base,
      kind: 'check',
      directive: `${name} checktype`,
      value: checkType.kind === 'combined' ? String(checkType.connects) : checkType.kind,
    },
  ];
  for (const [key, value] of Object.entries(virtual) as [string, unknown][]) {
    if (elsewhere.has(key) || value === undefined) continue;
    const directive = `${name} ${spelled[key] ?? key.toLowerCase()}`;
    if (secrets.has(key))
      facts.push({...base, kind: 'check', directive, value: hashed(directive, textOf(value)), secret: true});
    else
      facts.push({
        ...base,
        kind: inKernel.has(key) ? 'service' : 'check',
        directive,
        ...(/(timeout|interval)$/i.test(key)
          ? {value: timeText(Number(value))}
          : guarded(textOf(value), shownOf(key, value))),
      });
  }
  const ownPort = virtual.address.kind === 'address' ? virtual.address.port : 0;
  const seen = new Map<string, number>();
  for (const real of virtual.reals) {
    const server = `${name} real ${endpoint(real.address.includes(':') ? 6 : 4, real.address, real.port || ownPort)}`;
    const before = seen.get(server) ?? 0;
    seen.set(server, before + 1);
    facts.push({
      ...base,
      kind: 'real',
      directive: before === 0 ? server : `${server} again ${before}`,
      ...guarded(realText(real), realText(realShown(real))),
    });
  }
  if (fallback)
    facts.push({...base, kind: 'real', directive: `${name} fallback`, value: fallbackText(fallback)});
  return facts;
}

const textOf = (value: unknown): string =>
  typeof value === 'boolean' ? onOff(value) : typeof value === 'string' ? value : JSON.stringify(value);

/** The displayable form of a service's setting. */
function shownOf(key: string, value: unknown): string {
  const text = textOf(value);
  if (key === 'request' || key === 'load') return requestShown(text);
  if (key === 'fallbackCommand' || key === 'checkCommand') return commandShown(text);
  if (key === 'sendProgram') return commandShown((value as {command: string}).command);
  if (key === 'login') return loginShown(text);
  // It may log in.
  if (key === 'sendExpect') {
    const {send, ...rest} = value as {readonly send?: string};
    return JSON.stringify({...(send === undefined ? {} : {send: '…'}), ...rest});
  }
  return text;
}

/** The same without queries, arguments and credentials. */
function realShown({check, ...real}: RealServer): RealServer {
  const shown = check && {
    ...check,
    ...(check.request === undefined ? {} : {request: requestShown(check.request)}),
    ...(check.checkCommand === undefined ? {} : {checkCommand: commandShown(check.checkCommand)}),
    ...(check.sendExpect === undefined ? {} : {sendExpect: {send: '…', regex: check.sendExpect.regex}}),
  };
  return {
    ...real,
    ...(real.request === undefined ? {} : {request: requestShown(real.request)}),
    ...(shown === undefined ? {} : {check: shown}),
  };
}

const realText = (real: RealServer): string =>
  [
    real.method,
    `weight ${real.weight}`,
    ...(real.lowerThreshold > 0 ? [`l:${real.lowerThreshold}`] : []),
    ...(real.upperThreshold > 0 ? [`u:${real.upperThreshold}`] : []),
    ...(real.request === undefined ? [] : [`request ${JSON.stringify(real.request)}`]),
    ...(real.receive === undefined ? [] : [`receive ${JSON.stringify(real.receive)}`]),
    ...(real.check === undefined ? [] : [`check ${JSON.stringify(real.check)}`]),
  ].join(' ');

const fallbackText = ({address, port, method, weight}: FallbackServer): string =>
  `${endpoint(address.includes(':') ? 6 : 4, address, port)} ${method} weight ${weight}`;
