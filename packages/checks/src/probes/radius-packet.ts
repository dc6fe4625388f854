/** RADIUS packets (RFC 2865, Message-Authenticator of RFC 3579): an Access-Request out, its answer in. Pure. */
import {createHash, createHmac} from 'node:crypto';
import {isIPv4} from 'node:net';

const ACCESS_REQUEST = 1;
const HEADER = 20;
/** RFC 2865 section 3. */
const PACKET_MAX = 4_096;
const attribute = {
  userName: 1,
  userPassword: 2,
  nasIpAddress: 4,
  replyMessage: 18,
  nasIdentifier: 32,
  messageAuthenticator: 80,
} as const;
/** Longest password PAP can carry, octets (RFC 2865 5.2). */
export const PASSWORD_MAX = 128;

export interface AccessRequest {
  readonly id: number;
  /** 16 random octets. */
  readonly authenticator: Buffer;
  readonly secret: string;
  readonly login: string;
  readonly passwd: string;
  /** The director's address towards the server. */
  readonly nasAddress: string;
}

export interface RadiusAnswer {
  readonly kind: 'accept' | 'reject' | 'challenge' | 'other';
  readonly message: string;
}

const md5 = (...parts: Buffer[]): Buffer => createHash('md5').update(Buffer.concat(parts)).digest();

/** User-Password: the password in blocks of 16, each XORed with MD5(secret, block before). */
export function hidePassword(passwd: Buffer, secret: Buffer, authenticator: Buffer): Buffer {
  const padded = Buffer.alloc(Math.max(16, Math.ceil(passwd.length / 16) * 16));
  passwd.copy(padded);
  let last = authenticator;
  for (let at = 0; at < padded.length; at += 16) {
    const mask = md5(secret, last);
    for (let i = 0; i < 16; i += 1) padded[at + i] = (padded[at + i] ?? 0) ^ (mask[i] ?? 0);
    last = padded.subarray(at, at + 16);
  }
  return padded;
}

const tlv = (type: number, value: Buffer): Buffer =>
  Buffer.concat([Buffer.of(type, value.length + 2), value]);

/** The packet. Message-Authenticator comes first: servers that require it require it there. */
export function encodeAccessRequest(request: AccessRequest): Buffer {
  const secret = Buffer.from(request.secret);
  const attributes = Buffer.concat([
    tlv(attribute.messageAuthenticator, Buffer.alloc(16)),
    tlv(attribute.userName, Buffer.from(request.login)),
    tlv(attribute.userPassword, hidePassword(Buffer.from(request.passwd), secret, request.authenticator)),
    ...(isIPv4(request.nasAddress)
      ? [tlv(attribute.nasIpAddress, Buffer.from(request.nasAddress.split('.').map(Number)))]
      : []),
    tlv(attribute.nasIdentifier, Buffer.from('hactl')),
  ]);
  const head = Buffer.of(ACCESS_REQUEST, request.id, 0, 0);
  head.writeUInt16BE(HEADER + attributes.length, 2);
  const packet = Buffer.concat([head, request.authenticator, attributes]);
  createHmac('md5', secret)
    .update(packet)
    .digest()
    .copy(packet, HEADER + 2);
  return packet;
}

/** The answer to `request`; undefined = not for us, 'forged' = signed with another secret. */
export function decodeRadiusAnswer(
  packet: Buffer,
  request: AccessRequest,
): RadiusAnswer | 'forged' | undefined {
  if (packet.length < HEADER || packet[1] !== request.id) return undefined;
  const length = packet.readUInt16BE(2);
  if (length < HEADER || length > PACKET_MAX || length > packet.length) return undefined;
  const secret = Buffer.from(request.secret);
  const attributes = packet.subarray(HEADER, length);
  const signed = md5(packet.subarray(0, 4), request.authenticator, attributes, secret);
  if (!signed.equals(packet.subarray(4, HEADER))) return 'forged';
  let message = '';
  for (let at = 0; at + 2 <= attributes.length;) {
    const size = attributes[at + 1] ?? 0;
    if (size < 2 || at + size > attributes.length) break;
    if (attributes[at] === attribute.replyMessage) message += attributes.toString('utf8', at + 2, at + size);
    at += size;
  }
  const kind =
    packet[0] === 2 ? 'accept' : packet[0] === 3 ? 'reject' : packet[0] === 11 ? 'challenge' : 'other';
  return {kind, message};
}
