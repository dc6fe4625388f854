/** The form of the arguments of each kind of resource. Pure. */
import {ipv4, ipv6} from './addresses.ts';
import {parseTime} from './units.ts';

/** Every name that needs no script in resource.d. */
export const builtinResources = [
  'IPaddr',
  'IPaddr2',
  'IPv6addr',
  'IPsrcaddr',
  'ldirectord',
  'LVSSyncDaemonSwap',
  'MailTo',
  'SendArp',
  'Delay',
  'AudibleAlarm',
  'OCF',
  'systemd',
];

type Arguments = readonly string[];

const isAddress = (text: string | undefined): boolean =>
  text !== undefined && (ipv4(text) ?? ipv6(text)) !== undefined;

const isPlainName = (text: string | undefined): boolean => text !== undefined && /^[\w.@:-]+$/.test(text);

/** Each with the form that the diagnostic shows. */
const forms: Readonly<Record<string, readonly [fits: (args: Arguments) => boolean, form: string]>> = {
  LVSSyncDaemonSwap: [
    ([role]) => role === 'master' || role === 'backup',
    'LVSSyncDaemonSwap::master|backup[::INTERFACE[::SYNCID]]',
  ],
  IPsrcaddr: [([address]) => isAddress(address?.split('/')[0]), 'IPsrcaddr::ADDRESS'],
  MailTo: [([to]) => to?.includes('@') ?? false, 'MailTo::ADDRESS[,ADDRESS…][::SUBJECT]'],
  SendArp: [
    ([where = '']) => isAddress(where.split('/')[0]) && (where.split('/')[1] ?? '') !== '',
    'SendArp::ADDRESS/INTERFACE',
  ],
  Delay: [
    (args) => args.length <= 3 && args.every((word) => parseTime(word) !== undefined),
    'Delay[::START[::STOP]], or Delay::START::STATUS::STOP',
  ],
  OCF: [([type, instance]) => isPlainName(type) && isPlainName(instance), 'OCF::TYPE::INSTANCE'],
  systemd: [([unit]) => isPlainName(unit), 'systemd::UNIT.service'],
};

/** An OCF agent named with its provider: `ocf:PROVIDER:TYPE`, its parameters following as `::NAME=VALUE`. */
export const isOcf = (type: string): boolean => /^ocf:/i.test(type);

/** The expected form of a malformed resource; undefined: it is well-formed. */
export function wantedForm(type: string, args: Arguments): string | undefined {
  if (isOcf(type)) {
    const good = /^ocf:[\w.-]+:[\w.-]+$/.test(type) && args.every((word) => /^[A-Za-z_]\w*=/.test(word));
    return good ? undefined : 'ocf:PROVIDER:TYPE[::NAME=VALUE…]';
  }
  const [fits, form] = forms[type] ?? [];
  return fits === undefined || fits(args) ? undefined : form;
}
