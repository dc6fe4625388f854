/**
 * The LDAP messages (RFC 4511) that a check needs: bind, search of one entry, unbind. Implemented here because a reader must
 * not be held up or fed without end by a broken server. Pure.
 */
import type {Found, Needs} from './reader.ts';

const tag = {
  integer: 0x02,
  octets: 0x04,
  enumerated: 0x0a,
  sequence: 0x30,
  bindRequest: 0x60,
  bindResponse: 0x61,
  unbindRequest: 0x42,
  searchRequest: 0x63,
  searchEntry: 0x64,
  searchDone: 0x65,
  searchReference: 0x73,
  extendedResponse: 0x78,
  simplePassword: 0x80,
  present: 0x87,
} as const;

/** Result codes that a check may get (RFC 4511 4.1.9). */
const results: Readonly<Record<number, string>> = {
  1: 'operations error',
  2: 'protocol error',
  4: 'size limit exceeded',
  7: 'authentication method not supported',
  8: 'stronger authentication required',
  10: 'referral',
  13: 'confidentiality required',
  32: 'no such object',
  34: 'invalid DN syntax',
  48: 'inappropriate authentication',
  49: 'invalid credentials',
  50: 'insufficient access rights',
  51: 'busy',
  52: 'unavailable',
  53: 'unwilling to perform',
};

export type LdapMessage =
  | {
      readonly kind: 'bind' | 'done' | 'notice';
      readonly id: number;
      readonly code: number;
      readonly text: string;
    }
  | {readonly kind: 'entry'; readonly id: number; readonly name: string}
  | {readonly kind: 'other'; readonly id: number};

/** Tag, length, value. */
function tlv(type: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  if (value.length < 0x80) return Buffer.concat([Buffer.of(type, value.length), value]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(value.length);
  return Buffer.concat([Buffer.of(type, 0x84), length, value]);
}

const small = (type: number, value: number): Buffer => tlv(type, Buffer.of(value));
const text = (value: string, type: number = tag.octets): Buffer => tlv(type, Buffer.from(value));

/** A simple bind of version 3; both texts empty = anonymous. */
export const bindRequest = (id: number, login: string, passwd: string): Buffer =>
  tlv(
    tag.sequence,
    small(tag.integer, id),
    tlv(tag.bindRequest, small(tag.integer, 3), text(login), text(passwd, tag.simplePassword)),
  );

/** The entry `base` itself, whatever its class, without its attributes (`1.1`). */
export const searchRequest = (id: number, base: string): Buffer =>
  tlv(
    tag.sequence,
    small(tag.integer, id),
    tlv(
      tag.searchRequest,
      text(base),
      small(tag.enumerated, 0),
      small(tag.enumerated, 0),
      small(tag.integer, 0),
      small(tag.integer, 0),
      small(0x01, 0),
      text('objectClass', tag.present),
      tlv(tag.sequence, text('1.1')),
    ),
  );

export const unbindRequest = (id: number): Buffer =>
  tlv(tag.sequence, small(tag.integer, id), tlv(tag.unbindRequest));

/** The name and number of a result code, with the server's own message. */
export const resultText = ({code, text}: {readonly code: number; readonly text: string}): string =>
  `${results[code] ?? 'result'} (${code})${text === '' ? '' : `: ${text.slice(0, 80)}`}`;

interface Element {
  readonly type: number;
  readonly value: Buffer;
  readonly end: number;
}

/** The element at `at`, or how many octets are needed to continue. */
function element(octets: Buffer, at: number): Element | Needs {
  const [type, first] = [octets[at], octets[at + 1]];
  if (type === undefined || first === undefined) return {needs: at + 2};
  const size = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || size > 4) throw new Error('the answer is not LDAP');
  const start = at + 2 + size;
  if (start > octets.length) return {needs: start};
  const length = size === 0 ? first : octets.readUIntBE(at + 2, size);
  return start + length > octets.length
    ? {needs: start + length}
    : {type, value: octets.subarray(start, start + length), end: start + length};
}

/** The elements of a constructed element; throws when they do not fill it. */
function* elements(octets: Buffer): Generator<Element> {
  for (let at = 0; at < octets.length;) {
    const next = element(octets, at);
    if ('needs' in next) throw new Error('the answer is not LDAP');
    yield next;
    at = next.end;
  }
}

const integer = (element: Element | undefined): number =>
  element && element.value.length > 0 && element.value.length <= 4
    ? element.value.readIntBE(0, element.value.length)
    : -1;

/** The first message. */
export function findLdap(octets: Buffer): Found<LdapMessage> | Needs {
  if (octets.length > 0 && octets[0] !== tag.sequence) throw new Error('the answer is not LDAP');
  const whole = element(octets, 0);
  if ('needs' in whole) return whole;
  const [first, operation] = elements(whole.value);
  const id = integer(first);
  if (!operation) throw new Error('the answer is not LDAP');
  const found = (value: LdapMessage): Found<LdapMessage> => ({value, used: whole.end});
  const kind = (
    {[tag.bindResponse]: 'bind', [tag.searchDone]: 'done', [tag.extendedResponse]: 'notice'} as const
  )[operation.type as 0x61];
  if (kind !== undefined) {
    const [code, , message] = elements(operation.value);
    return found({kind, id, code: integer(code), text: message?.value.toString() ?? ''});
  }
  if (operation.type !== tag.searchEntry) return found({kind: 'other', id});
  const [name] = elements(operation.value);
  return found({kind: 'entry', id, name: name?.value.toString() ?? ''});
}
