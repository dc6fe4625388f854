/** Virtual addresses of a vrrp_instance. Pure. */
import {ipv4} from '../addresses.ts';
import type {Vip} from '../model.ts';
import {ignored, quoteStatement, type Tools} from './keepalived-block.ts';
import type {Statement} from './keepalived-lines.ts';
import {canonical, isDevice, leadingNumber} from './words.ts';

/** The kernel's limit; keepalived drops an address with a longer label. */
const LABEL_MAX = 15;
/** Options with a value. */
const valued: ReadonlySet<string> = new Set([
  'dev',
  'label',
  'brd',
  'broadcast',
  'scope',
  'peer',
  'preferred_lft',
]);
/** Options without a value. */
const flags: ReadonlySet<string> = new Set(['home', '-nodad', 'mngtmpaddr', 'noprefixroute', 'autojoin', 'no_track', 'use_vmac']); // prettier-ignore

export interface VipPlace {
  readonly device: string;
  /** The instance's family; undefined: either one (the first address sets it; excluded addresses may be of either family). */
  readonly family: 4 | 6 | undefined;
}

/** undefined: keepalived leaves the address out. */
export function parseVip(line: Statement, {device, family}: VipPlace, tools: Tools): Vip | undefined {
  const {notes} = tools;
  const [first, ...rest] = line.words;
  const [host = '', mask] = (first?.text ?? '').split('/');
  const address = canonical(host);
  const leave = (
    message: string,
    help: string,
    code: 'bad-address' | 'bad-value' = 'bad-address',
  ): undefined => {
    ignored(
      first ?? line,
      code,
      `${message}: keepalived leaves the address out`,
      `the import does too; ${help}`,
      tools,
    );
    notes.lost(line.span, quoteStatement(line), `${message}: keepalived leaves the address out too`);
  };
  if (address === undefined)
    return leave(`"${host}" is not an address`, 'write virtual_ipaddress { ADDRESS/LENGTH dev INTERFACE }');
  const addressFamily = address.includes(':') ? 6 : 4;
  if (family !== undefined && addressFamily !== family)
    return leave(
      `${address} is not of the instance’s address family`,
      'an instance has addresses of one family: use virtual_ipaddress_excluded for the other',
    );
  const whole = addressFamily === 4 ? 32 : 128;
  const {value: length, rest: junk} = leadingNumber(mask ?? String(whole));
  const usable = length !== undefined && length <= whole ? length : undefined;
  if (usable === undefined || junk !== '')
    ignored(
      first ?? line,
      'bad-value',
      `"${mask}" is not a prefix length: keepalived uses ${usable ?? (length === undefined ? 0 : whole)}`,
      `the import uses ${usable ?? whole}; write a number from 1 to ${whole}`,
      tools,
    );
  const words = rest.map((word) => word.text);
  const valueOf = (...names: string[]): string | undefined => {
    const index = words.findIndex((word) => names.includes(word));
    return index === -1 ? undefined : words[index + 1];
  };
  const [named, label, broadcast] = [valueOf('dev'), valueOf('label'), valueOf('brd', 'broadcast')];
  if (valued.has(words.at(-1) ?? '') && !valued.has(words.at(-2) ?? ''))
    return leave(`"${words.at(-1)}" has no value`, 'add its value', 'bad-value');
  if (
    broadcast !== undefined &&
    (addressFamily === 6 || (!/^[+-]$/.test(broadcast) && ipv4(broadcast) === undefined))
  )
    return leave(`"${broadcast}" is not a broadcast address for it`, 'remove brd', 'bad-value');
  if (words.indexOf('dev') !== words.lastIndexOf('dev'))
    return leave('dev is given twice', 'write ADDRESS/LENGTH dev eth0', 'bad-value');
  if (named !== undefined && !isDevice(named))
    return leave(`"${named}" is not an interface`, 'write ADDRESS/LENGTH dev eth0', 'bad-value');
  if (label !== undefined && label.length > LABEL_MAX)
    return leave(`the label ${label} is longer than ${LABEL_MAX} characters`, 'shorten it', 'bad-value');
  const name = named ?? device;
  const usableLabel =
    addressFamily === 4 &&
    label !== undefined &&
    label.startsWith(`${name}:`) &&
    /^[\w.@-]+:[\w.-]+$/.test(label);
  const usableBroadcast = broadcast !== undefined && ipv4(broadcast) !== undefined;
  const lost = words.filter(
    (word, index) =>
      !['dev', 'label', 'brd', 'broadcast'].includes(word) &&
      !['dev', 'label', 'brd', 'broadcast'].includes(words[index - 1] ?? ''),
  );
  if (label !== undefined && !usableLabel) lost.push(`label ${label}`);
  if (broadcast !== undefined && !usableBroadcast) lost.push(`brd ${broadcast}`);
  const unknown = words.find(
    (word, index) => !valued.has(word) && !flags.has(word) && !valued.has(words[index - 1] ?? ''),
  );
  if (unknown !== undefined)
    ignored(
      line,
      'bad-value',
      `"${unknown}" is not an option of an address: keepalived skips it`,
      'the import does too; write one address per line',
      tools,
    );
  if (unknown !== undefined && canonical(unknown.split('/')[0] ?? '') !== undefined)
    notes.lost(
      line.span,
      quoteStatement(line),
      `one address per line: keepalived uses only the first, not ${unknown}`,
    );
  else if (lost.length > 0)
    notes.approximated(
      line.span,
      quoteStatement(line),
      `haresources: an address of the group, without "${lost.join(' ')}"`,
    );
  else notes.exact(line.span, quoteStatement(line), 'haresources: an address of the group');
  return {
    family: addressFamily,
    address,
    prefixLength: usable ?? whole,
    device: name,
    ...(usableLabel ? {label} : {}),
    ...(usableBroadcast ? {broadcast} : {}),
  };
}
