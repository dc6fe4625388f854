/** DNS messages (RFC 1035): one question out, the answer's addresses and names in. Pure. */
import {isIP, isIPv6} from 'node:net';

const CLASS_IN = 1;
const types = {A: 1, CNAME: 5, PTR: 12, AAAA: 28} as const;
const RECURSION_DESIRED = 0x01_00;
const responseCodes = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];
/** Maximum octets of a name on the wire (RFC 1035 section 2.3.4), and of its labels. */
const NAME_MAX = 255;
const LABELS_MAX = 127;
/** Maximum records read: the answer to a check never has as many. */
const NAMES_MAX = 256;

export interface DnsQuestion {
  readonly name: string;
  readonly type: 'A' | 'PTR';
}

export interface DnsAnswer {
  /** Truncated by the server: repeat the query over TCP. */
  readonly truncated: boolean;
  readonly code: string;
  /** Texts of the A and PTR records, to match against `receive`. */
  readonly values: readonly string[];
}

/** A name is looked up by A records, an address by its PTR record, as Net::DNS does. */
export function dnsQuestion(request: string): DnsQuestion | undefined {
  const name = request.replace(/^\//, '').replace(/\.$/, '');
  if (isIP(name)) return {name: reverseName(name), type: 'PTR'};
  const labels = name.split('.');
  const good = labels.every((label) => label !== '' && Buffer.byteLength(label) <= 63);
  return good && Buffer.byteLength(name) <= 253 ? {name, type: 'A'} : undefined;
}

function reverseName(address: string): string {
  if (!isIPv6(address)) return `${address.split('.').toReversed().join('.')}.in-addr.arpa`;
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...front, ...Array<string>(8 - front.length - back.length).fill('0'), ...back];
  const digits = groups.map((group) => group.padStart(4, '0')).join('');
  return `${digits.split('').toReversed().join('.')}.ip6.arpa`;
}

/** The query as a datagram. */
export function encodeQuery(id: number, question: DnsQuestion): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(id, 0);
  head.writeUInt16BE(RECURSION_DESIRED, 2);
  head.writeUInt16BE(1, 4);
  const labels = question.name.split('.').map((label) => {
    const octets = Buffer.from(label);
    return Buffer.concat([Buffer.of(octets.length), octets]);
  });
  const tail = Buffer.alloc(5);
  tail.writeUInt16BE(types[question.type], 1);
  tail.writeUInt16BE(CLASS_IN, 3);
  return Buffer.concat([head, ...labels, tail]);
}

/** The end of the name at `start`; throws RangeError if it is invalid. Pointers are not followed. */
function nameEnd(message: Buffer, start: number): number {
  for (let at = start, labels = 0; ; labels += 1) {
    const length = message.readUInt8(at);
    if (length >= 0xc0) {
      if ((message.readUInt16BE(at) & 0x3f_ff) >= start) throw new RangeError('a name that points forward');
      return at + 2;
    }
    if (length === 0) return at + 1;
    at += 1 + length;
    if (length > 63 || labels >= LABELS_MAX || at - start > NAME_MAX)
      throw new RangeError('a name longer than names are');
  }
}

/**
 * The name at `start`. Pointers lead to an earlier position (RFC 1035 section 4.1.4), so they cannot loop; length
 * and labels are limited over all parts.
 */
function readName(message: Buffer, start: number): string {
  const labels: string[] = [];
  let [at, earliest, octets] = [start, start, 1];
  for (;;) {
    const length = message.readUInt8(at);
    if (length >= 0xc0) {
      at = message.readUInt16BE(at) & 0x3f_ff;
      if (at >= earliest) throw new RangeError('a name that points forward');
      earliest = at;
    } else if (length === 0) return labels.join('.');
    else {
      octets += 1 + length;
      if (length > 63 || labels.length >= LABELS_MAX || octets > NAME_MAX)
        throw new RangeError('a name longer than names are');
      if (at + 1 + length > message.length) throw new RangeError('a name beyond the end');
      labels.push(message.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
  }
}

/** The answer to the query `id`; undefined = not the answer to it, 'malformed' = it is, but cannot be read. */
export function decodeAnswer(message: Buffer, id: number): DnsAnswer | 'malformed' | undefined {
  if (message.length < 12 || message.readUInt16BE(0) !== id || message.readUInt16BE(2) < 0x80_00)
    return undefined;
  const flags = message.readUInt16BE(2);
  const number = flags & 0x0f;
  const values: string[] = [];
  try {
    let [at, names] = [12, 0];
    for (let left = message.readUInt16BE(4); left > 0; left -= 1) at = nameEnd(message, at) + 4;
    for (let left = message.readUInt16BE(6); left > 0; left -= 1) {
      at = nameEnd(message, at);
      const type = message.readUInt16BE(at);
      const length = message.readUInt16BE(at + 8);
      const data = message.subarray(at + 10, at + 10 + length);
      if (type === types.A && data.length === 4) values.push(data.join('.'));
      if (type === types.PTR && names < NAMES_MAX) {
        names += 1;
        values.push(readName(message, at + 10));
      }
      at += 10 + length;
    }
  } catch (error) {
    // A truncated answer may end in the middle of a record: only its flag matters.
    if (!(error instanceof RangeError)) throw error;
    if ((flags & 0x02_00) === 0) return 'malformed';
  }
  return {truncated: (flags & 0x02_00) !== 0, code: responseCodes[number] ?? `RCODE ${number}`, values};
}
