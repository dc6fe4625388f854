/**
 * The kernel's sync messages (net/netfilter/ipvs/ip_vs_sync.c), versions 0 and 1. Pure.
 *
 * Version 1, all fields in network order:
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +---------------+---------------+-------------------------------+
 *   |  reserved 0   |    syncid     |       size of the message     |
 *   +---------------+---------------+-------------------------------+
 *   |  connections  |   version 1   |             spare             |
 *   +---------------+---------------+-------+-----------------------+
 *   | type (1: IPv6)|   protocol    | ver 0 |  size of this entry   |  each entry starts on a
 *   +---------------+---------------+-------+-----------------------+  4-byte boundary
 *   |                             flags                             |
 *   +-------------------------------+-------------------------------+
 *   |             state             |          client port          |
 *   +-------------------------------+-------------------------------+
 *   |         virtual port          |       destination port        |
 *   +-------------------------------+-------------------------------+
 *   |                         firewall mark                         |
 *   +---------------------------------------------------------------+
 *   |                      timeout in seconds                       |
 *   +---------------------------------------------------------------+
 *   |   client, virtual, destination address: 4 or 16 bytes each    |
 *   +---------------------------------------------------------------+
 *   |  options: type (1 byte), length (1 byte), data; see `options` |
 *   +---------------------------------------------------------------+
 */
import {ByteReader, ByteWriter, fail, ok, type Result} from '@hactl/base';

/** The sequence-number adjustment of one direction, as NAT helpers (FTP) need it. */
export interface SequenceAdjustment {
  readonly initialSequence: number;
  readonly delta: number;
  readonly previousDelta: number;
}

/** One connection (or persistence template) as in a message. */
export interface SyncConnection {
  readonly family: 4 | 6;
  /** 6 tcp, 17 udp, 132 sctp; 0 for a template. */
  readonly protocol: number;
  readonly flags: number;
  readonly state: number;
  readonly clientPort: number;
  readonly virtualPort: number;
  readonly destinationPort: number;
  readonly fwmark: number;
  /** Seconds; version 0 does not carry it. */
  readonly timeout: number;
  /** 4 or 16 bytes each. */
  readonly client: Buffer;
  readonly virtual: Buffer;
  readonly destination: Buffer;
  readonly sequences?: {readonly inbound: SequenceAdjustment; readonly outbound: SequenceAdjustment};
  readonly peData?: Buffer;
  readonly peName?: string;
}

export interface SyncMessage {
  readonly version: 0 | 1;
  readonly syncid: number;
  readonly connections: readonly SyncConnection[];
}

export type SyncFault =
  | {readonly code: 'truncated'; readonly need: number; readonly have: number}
  | {readonly code: 'size'; readonly said: number; readonly have: number}
  | {readonly code: 'version'; readonly version: number}
  | {readonly code: 'entry-size'; readonly entry: number; readonly size: number}
  | {readonly code: 'entry-version'; readonly entry: number; readonly version: number}
  | {readonly code: 'entry-type'; readonly entry: number; readonly type: number}
  | {readonly code: 'option'; readonly entry: number; readonly option: number; readonly length: number}
  | {readonly code: 'trailing'; readonly bytes: number};

const HEADER_V0 = 4;
const HEADER_V1 = 8;
const ENTRY_V0 = 24;
const ENTRY_V4 = 36;
const ENTRY_V6 = 72;
const SEQUENCES = 24;
/** The version is in the upper four bits of an entry's size field. */
const SIZE_MASK = 0x0fff;

/** Connection flags of include/uapi/linux/ip_vs.h that decide how an entry is read. */
export const connectionFlag = {
  forwardMask: 0x0007,
  sync: 0x0020,
  inSequence: 0x0200,
  outSequence: 0x0400,
  template: 0x1000,
} as const;

const option = {sequences: 1, peData: 2, peName: 3} as const;
/** Set on an option's type if an unknown option may be skipped. */
const OPTION_IS_PARAMETER = 0x40;

const readAdjustment = (reader: ByteReader): SequenceAdjustment => ({
  initialSequence: reader.u32(),
  delta: reader.u32(),
  previousDelta: reader.u32(),
});

const readSequences = (reader: ByteReader): NonNullable<SyncConnection['sequences']> => ({
  inbound: readAdjustment(reader),
  outbound: readAdjustment(reader),
});

/** Decodes a datagram of either version. Every octet must be accounted for. */
export function decodeSyncMessage(bytes: Buffer): Result<SyncMessage, SyncFault> {
  if (bytes.length < HEADER_V0) return fail({code: 'truncated', need: HEADER_V0, have: bytes.length});
  const length = bytes.readUInt16BE(2);
  if (length !== bytes.length) return fail({code: 'size', said: length, have: bytes.length});
  // A version-1 message has 0 where version 0 has its count, and its version field comes later (ip_vs_process_message).
  if (bytes.length >= HEADER_V1 && bytes[0] === 0 && bytes[5] === 1 && bytes.readUInt16BE(6) === 0)
    return decodeV1(bytes);
  if (bytes[0] === 0 && bytes.length >= HEADER_V1) return fail({code: 'version', version: bytes[5] ?? 0});
  return decodeV0(bytes);
}

function decodeV0(bytes: Buffer): Result<SyncMessage, SyncFault> {
  const reader = new ByteReader(bytes);
  const count = reader.u8();
  const syncid = reader.u8();
  reader.u16();
  const connections: SyncConnection[] = [];
  for (let entry = 0; entry < count; entry += 1) {
    if (reader.remaining < ENTRY_V0) return fail({code: 'truncated', need: ENTRY_V0, have: reader.remaining});
    reader.u8();
    const protocol = reader.u8();
    const [clientPort, virtualPort, destinationPort] = [reader.u16(), reader.u16(), reader.u16()];
    const [client, virtual, destination] = [reader.readBytes(4), reader.readBytes(4), reader.readBytes(4)];
    const [flags, state] = [reader.u16(), reader.u16()];
    const sequenced = (flags & (connectionFlag.inSequence | connectionFlag.outSequence)) !== 0;
    if (sequenced && reader.remaining < SEQUENCES)
      return fail({code: 'truncated', need: SEQUENCES, have: reader.remaining});
    connections.push({
      family: 4,
      protocol,
      flags,
      state,
      clientPort,
      virtualPort,
      destinationPort,
      fwmark: 0,
      timeout: 0,
      client,
      virtual,
      destination,
      ...(sequenced ? {sequences: readSequences(reader)} : {}),
    });
  }
  if (reader.remaining > 0) return fail({code: 'trailing', bytes: reader.remaining});
  return ok({version: 0, syncid, connections});
}

function decodeV1(bytes: Buffer): Result<SyncMessage, SyncFault> {
  const syncid = bytes[1] ?? 0;
  const count = bytes[4] ?? 0;
  const connections: SyncConnection[] = [];
  let start = HEADER_V1;
  for (let entry = 0; entry < count; entry += 1) {
    if (bytes.length - start < ENTRY_V4)
      return fail({code: 'truncated', need: ENTRY_V4, have: bytes.length - start});
    const verSize = bytes.readUInt16BE(start + 2);
    const size = verSize & SIZE_MASK;
    if (verSize >> 12 !== 0) return fail({code: 'entry-version', entry, version: verSize >> 12});
    const type = bytes[start] ?? 0;
    if ((type & ~1) !== 0) return fail({code: 'entry-type', entry, type});
    const fixed = (type & 1) === 1 ? ENTRY_V6 : ENTRY_V4;
    if (size < fixed || size > bytes.length - start) return fail({code: 'entry-size', entry, size});
    const decoded = decodeEntry(bytes.subarray(start, start + size), entry);
    if (!decoded.ok) return decoded;
    connections.push(decoded.value);
    // The last entry may lack the padding to a 4-byte boundary.
    start = Math.min(bytes.length, start + ((size + 3) & ~3));
  }
  if (start < bytes.length) return fail({code: 'trailing', bytes: bytes.length - start});
  return ok({version: 1, syncid, connections});
}

function decodeEntry(bytes: Buffer, entry: number): Result<SyncConnection, SyncFault> {
  const reader = new ByteReader(bytes);
  const family = (reader.u8() & 1) === 1 ? 6 : 4;
  const protocol = reader.u8();
  reader.u16();
  const [flags, state] = [reader.u32(), reader.u16()];
  const [clientPort, virtualPort, destinationPort] = [reader.u16(), reader.u16(), reader.u16()];
  const [fwmark, timeout] = [reader.u32(), reader.u32()];
  const width = family === 6 ? 16 : 4;
  const [client, virtual, destination] = [
    reader.readBytes(width),
    reader.readBytes(width),
    reader.readBytes(width),
  ];
  const extra: {sequences?: SyncConnection['sequences'] & {}; peData?: Buffer; peName?: string} = {};
  while (reader.remaining > 0) {
    if (reader.remaining < 2) return fail({code: 'truncated', need: 2, have: reader.remaining});
    const [type, length] = [reader.u8(), reader.u8()];
    const bad: SyncFault = {code: 'option', entry, option: type, length};
    if (length === 0 || length > reader.remaining) return fail(bad);
    const known = type & ~OPTION_IS_PARAMETER;
    if (known === option.sequences) {
      if (length !== SEQUENCES || extra.sequences) return fail(bad);
      extra.sequences = readSequences(reader);
    } else if (known === option.peData) {
      if (extra.peData) return fail(bad);
      extra.peData = Buffer.from(reader.readBytes(length));
    } else if (known === option.peName) {
      if (extra.peName !== undefined) return fail(bad);
      extra.peName = reader.readBytes(length).toString('latin1').replace(/\0+$/, '');
    } else if ((type & OPTION_IS_PARAMETER) !== 0) reader.readBytes(length);
    else return fail(bad);
  }
  return ok({
    family,
    protocol,
    flags,
    state,
    clientPort,
    virtualPort,
    destinationPort,
    fwmark,
    timeout,
    client,
    virtual,
    destination,
    ...extra,
  });
}

const writeSequences = (
  writer: ByteWriter,
  {inbound, outbound}: NonNullable<SyncConnection['sequences']>,
): void => {
  for (const adjustment of [inbound, outbound])
    writer.u32(adjustment.initialSequence).u32(adjustment.delta).u32(adjustment.previousDelta);
};

/** The size of a connection in a version-1 message, in octets, with padding. */
export function entryLength(connection: SyncConnection): number {
  let size = connection.family === 6 ? ENTRY_V6 : ENTRY_V4;
  if (connection.sequences) size += 2 + SEQUENCES;
  if (connection.peData) size += 2 + connection.peData.length;
  if (connection.peName !== undefined) size += 2 + connection.peName.length;
  return (size + 3) & ~3;
}

/** Encodes a version-1 message. The caller keeps it under the MTU and under 256 connections (see `entryLength`). */
export function encodeSyncMessage(syncid: number, connections: readonly SyncConnection[]): Buffer {
  const writer = new ByteWriter(1_500);
  writer.u8(0).u8(syncid).u16(0).u8(connections.length).u8(1).u16(0);
  for (const connection of connections) {
    while (writer.length % 4 !== 0) writer.u8(0);
    const start = writer.length;
    writer
      .u8(connection.family === 6 ? 1 : 0)
      .u8(connection.protocol)
      .u16(0)
      .u32(connection.flags)
      .u16(connection.state);
    writer
      .u16(connection.clientPort)
      .u16(connection.virtualPort)
      .u16(connection.destinationPort)
      .u32(connection.fwmark)
      .u32(connection.timeout);
    writer.writeBytes(connection.client).writeBytes(connection.virtual).writeBytes(connection.destination);
    if (connection.sequences) {
      writer.u8(option.sequences).u8(SEQUENCES);
      writeSequences(writer, connection.sequences);
    }
    if (connection.peData)
      writer.u8(option.peData).u8(connection.peData.length).writeBytes(connection.peData);
    if (connection.peName !== undefined)
      writer
        .u8(option.peName)
        .u8(connection.peName.length)
        .writeBytes(Buffer.from(connection.peName, 'latin1'));
    writer.done().writeUInt16BE(writer.length - start, start + 2);
  }
  const bytes = writer.done();
  bytes.writeUInt16BE(bytes.length, 2);
  return bytes;
}
