/** An address with its port as ipvsadm prints it, in numbers or in names. Pure. */
import type {Transport} from '@hactl/ipvs';
import type {ShownNames} from './names.ts';
import {writeIpv6} from './text.ts';

/** ipvsadm's width of `host:port` in characters; longer ones are truncated. */
const ROOM = 59;

/** The longest IPv4 name and port in a listing (`-L`); names of IPv6 hosts have no such limit. */
const COLUMN = 28;

/** `names` undefined: numeric. `protocol` undefined: numeric ports (firewall marks have no protocol). */
export function endpointText(
  address: string,
  port: number,
  protocol: Transport | undefined,
  names: ShownNames | undefined,
): string {
  const six = address.includes(':');
  const host = names?.hosts.get(address) ?? (six ? writeIpv6(address) : address);
  const service = protocol === undefined || port === 0 ? undefined : names?.services.name(port, protocol);
  return `${six ? `[${host}]` : host}:${service ?? port}`.slice(0, ROOM);
}

/** The same, for a column of the listing. */
export const columnText = (...words: Parameters<typeof endpointText>): string => {
  const text = endpointText(...words);
  return words[0].includes(':') ? text : text.slice(0, COLUMN);
};
