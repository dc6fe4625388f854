/** Where adverts go: udpport, bcast, mcast and ucast of ha.cf. Pure. */
import {ipv4, ipv6, portNumber} from './addresses.ts';
import type {HaLine, Word} from './ha-line.ts';
import type {Medium, Span} from './model.ts';
import {parseHost} from './ha-host.ts';
import type {Reporter, Resolver} from './reader.ts';

/** heartbeat's port, as registered with IANA. */
const DEFAULT_PORT = 694;

export interface Media {
  readonly list: Medium[];
  /** For the bcast and ucast lines below. */
  port: number;
}

export const noMedia = (): Media => ({list: [], port: DEFAULT_PORT});

/** True when the line was one of these directives. */
export function parseMedium(
  line: HaLine,
  media: Media,
  resolver: Pick<Resolver, 'host'> | undefined,
  reporter: Reporter,
): boolean {
  const {name, rest, value, whole} = line;
  switch (name) {
    case 'udpport':
      parsePort(line, media, reporter);
      return true;
    case 'udp':
    case 'bcast':
      if (line.wants('DEVICE…'))
        for (const word of rest)
          media.list.push({kind: 'bcast', span: whole, device: word.text, port: media.port});
      return true;
    case 'ucast':
    case 'ucast6': {
      if (!line.wants('DEVICE PEER-ADDRESS', 2)) return true;
      const [, word] = rest;
      const peer = word && parseHost(word, `${name} DEVICE PEER-ADDRESS`, resolver, reporter);
      if (peer !== undefined)
        media.list.push({kind: 'ucast', span: whole, device: value, peer, port: media.port});
      return true;
    }
    case 'mcast':
    case 'mcast6':
      if (line.wants('DEVICE GROUP PORT TTL LOOP', 5)) parseMcast(rest, whole, media.list, reporter);
      return true;
    default:
      return false;
  }
}

function parsePort(line: HaLine, media: Media, reporter: Reporter): void {
  if (!line.wants('PORT')) return;
  const number = portNumber(line.value);
  if (number === undefined || number === 0) {
    line.wrong(`"${line.value}" is not a port`, 'a number from 1 to 65535');
    return;
  }
  if (media.list.some((medium) => medium.kind !== 'mcast'))
    reporter.add(
      'warning',
      'late-udpport',
      line.whole,
      'udpport setting must precede media statements',
      'it applies only to the bcast and ucast lines below it: move it up',
    );
  media.port = number;
}

function parseMcast(rest: readonly Word[], whole: Span, media: Medium[], reporter: Reporter): void {
  const [device, group, port, ttl, loop] = rest;
  const address = ipv4(group?.text ?? '') ?? ipv6(group?.text ?? '');
  const multicast =
    address !== undefined &&
    (address.includes(':') ? /^ff/i.test(address) : /^2(2[4-9]|3\d)\./.test(address));
  const number = portNumber(port?.text ?? '');
  const hops = Number(ttl?.text);
  const bad = (word: Word | undefined, message: string, help: string): void =>
    reporter.error('bad-value', word?.span ?? whole, message, help);
  if (!multicast)
    return bad(
      group,
      `"${group?.text}" is not a multicast group`,
      'IPv4 groups are 224.0.0.0 to 239.255.255.255, IPv6 groups start with ff',
    );
  if (number === undefined || number === 0)
    return bad(port, `"${port?.text}" is not a port`, 'a number from 1 to 65535');
  if (!Number.isInteger(hops) || hops < 0 || hops > 255)
    return bad(ttl, `"${ttl?.text}" is not a time to live`, 'a number from 0 to 255; 1 stays on the segment');
  if (loop?.text !== '0' && loop?.text !== '1')
    return bad(loop, `"${loop?.text}" is not a loop flag`, '0 or 1; normally 0');
  media.push({
    kind: 'mcast',
    span: whole,
    device: device?.text ?? '',
    group: address,
    port: number,
    ttl: hops,
    loop: loop.text === '1',
  });
}
