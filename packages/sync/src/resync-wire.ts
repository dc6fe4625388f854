/** The messages between two sync processes inside the channel's frames. Pure. docs/sync.md has the format. */
import {ByteReader, ByteWriter} from '@hactl/base';
import {entriesOf} from './entry.ts';
import {BUCKETS} from './mirror.ts';

/** Buckets are compared in groups first: 64 groups of 64 buckets. */
export const GROUPS = 64;
export const GROUP_SIZE = BUCKETS / GROUPS;

/** Sum and number of the entries in a bucket or a group of buckets. */
export interface Digest {
  readonly count: number;
  readonly low: number;
  readonly high: number;
}

export const sameDigest = (left: Digest, right: Digest): boolean =>
  left.count === right.count && left.low === right.low && left.high === right.high;

/** A director's table compared with its peer's. */
export type SyncPhase = 'waiting' | 'transfer' | 'compare' | 'in-sync' | 'deadline';
const phases: readonly SyncPhase[] = ['waiting', 'transfer', 'compare', 'in-sync', 'deadline'];

export interface Hello {
  readonly type: 'hello';
  readonly phase: SyncPhase;
  readonly active: boolean;
  /** Kernel messages relayed so far, so that the other side can detect losses. */
  readonly relayed: number;
  readonly connections: number;
  /** Connections of the peer that the sender lacked at its last comparison. */
  readonly missing: number;
  /** The hash seed of the sender's mirror. */
  readonly seed: number;
  /** A challenge that the peer must echo before a new incarnation of it is accepted. */
  readonly challenge: bigint;
  readonly echo: bigint;
}

export type ResyncMessage =
  | Hello
  /** A message of the sender's kernel, as received. */
  | {readonly type: 'live'; readonly message: Buffer}
  /**
   * A probe: has everything that the sender sent before arrived? `marker`: of the newest beat of its pulse that left its
   * kernel. `settle`: answer when this side's kernel has processed everything.
   */
  | {readonly type: 'mark'; readonly number: number; readonly marker: number; readonly settle: boolean}
  /** `marked` answers a `mark`, and a `pull`. */
  | {readonly type: 'marked'; readonly number: number}
  /** Request: make sure that this side's kernel knows everything yours has, then answer. */
  | {readonly type: 'pull'; readonly number: number}
  | {readonly type: 'start'; readonly session: number}
  | {
      readonly type: 'chunk';
      readonly session: number;
      readonly number: number;
      /** 0: the whole table; otherwise the repair requested in this round. */
      readonly round: number;
      readonly last: boolean;
      /** A kernel message of version 1, possibly without connections. */
      readonly message: Buffer;
      /** Remaining seconds of each of its connections, 4 octets each. */
      readonly remaining: Buffer;
    }
  /** All chunks below `next` are in the joiner's kernel, and those beyond it whose bits are set. */
  | {readonly type: 'ack'; readonly session: number; readonly next: number; readonly beyond: Buffer}
  | {readonly type: 'ask-groups'; readonly session: number; readonly round: number}
  | {
      readonly type: 'groups';
      readonly session: number;
      readonly round: number;
      readonly digests: readonly Digest[];
    }
  | {
      readonly type: 'ask-buckets';
      readonly session: number;
      readonly round: number;
      readonly group: number;
    }
  | {
      readonly type: 'buckets';
      readonly session: number;
      readonly round: number;
      readonly group: number;
      readonly digests: readonly Digest[];
    }
  | {
      readonly type: 'repair';
      readonly session: number;
      readonly round: number;
      readonly buckets: readonly number[];
    };

const codes = {
  hello: 1,
  live: 2,
  start: 3,
  chunk: 4,
  ack: 5,
  'ask-groups': 6,
  groups: 7,
  'ask-buckets': 8,
  buckets: 9,
  repair: 10,
  mark: 11,
  marked: 12,
  pull: 13,
} as const;

/** Octets of a chunk besides its kernel message's entries: type, last, session, number, round, message header. */
export const CHUNK_OVERHEAD = 1 + 1 + 4 + 4 + 4 + 8;
/** Overhead of each entry. */
export const REMAINING = 4;
const BITMAP = BUCKETS / 8;
const CHUNK_ROOM = 11_000;

export function encodeResync(message: ResyncMessage): Buffer {
  const writer = new ByteWriter(message.type === 'chunk' ? CHUNK_ROOM : 256).u8(codes[message.type]);
  switch (message.type) {
    case 'hello':
      writer.u8(phases.indexOf(message.phase)).u8(message.active ? 1 : 0);
      writer.u32(message.relayed).u32(message.connections).u32(message.missing).u32(message.seed);
      return writer.u64(message.challenge).u64(message.echo).done();
    case 'live':
      return writer.writeBytes(message.message).done();
    case 'start':
      return writer.u32(message.session).done();
    case 'mark':
      return writer
        .u32(message.number)
        .u8(message.marker)
        .u8(message.settle ? 1 : 0)
        .done();
    case 'marked':
    case 'pull':
      return writer.u32(message.number).done();
    case 'chunk':
      writer
        .u8(message.last ? 1 : 0)
        .u32(message.session)
        .u32(message.number)
        .u32(message.round);
      return writer.writeBytes(message.message).writeBytes(message.remaining).done();
    case 'ack':
      return writer.u32(message.session).u32(message.next).writeBytes(message.beyond).done();
    case 'ask-groups':
      return writer.u32(message.session).u32(message.round).done();
    case 'ask-buckets':
      return writer.u32(message.session).u32(message.round).u8(message.group).done();
    case 'groups':
    case 'buckets':
      writer.u32(message.session).u32(message.round);
      if (message.type === 'buckets') writer.u8(message.group);
      for (const {count, low, high} of message.digests) writer.u32(count).u32(low).u32(high);
      return writer.done();
    case 'repair': {
      const bits = Buffer.alloc(BITMAP);
      for (const bucket of message.buckets) bits[bucket >> 3]! |= 1 << (bucket & 7);
      return writer.u32(message.session).u32(message.round).writeBytes(bits).done();
    }
  }
}

const digestsOf = (reader: ByteReader, count: number): Digest[] =>
  Array.from({length: count}, () => ({count: reader.u32(), low: reader.u32(), high: reader.u32()}));

/** undefined: malformed. The frame was authentic, so the peer has another version. */
export function decodeResync(bytes: Buffer): ResyncMessage | undefined {
  try {
    const reader = new ByteReader(bytes);
    const message = decode(reader);
    return reader.remaining === 0 ? message : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function decode(reader: ByteReader): ResyncMessage | undefined {
  const code = reader.u8();
  switch (code) {
    case codes.hello: {
      const phase = phases[reader.u8()];
      if (!phase) return undefined;
      return {
        type: 'hello',
        phase,
        active: reader.u8() === 1,
        relayed: reader.u32(),
        connections: reader.u32(),
        missing: reader.u32(),
        seed: reader.u32(),
        challenge: reader.u64(),
        echo: reader.u64(),
      };
    }
    case codes.live:
      return {type: 'live', message: reader.readBytes(reader.remaining)};
    case codes.start:
      return {type: 'start', session: reader.u32()};
    case codes.mark:
      return {type: 'mark', number: reader.u32(), marker: reader.u8(), settle: reader.u8() === 1};
    case codes.marked:
      return {type: 'marked', number: reader.u32()};
    case codes.pull:
      return {type: 'pull', number: reader.u32()};
    case codes.chunk: {
      const last = reader.u8() === 1;
      const [session, number, round] = [reader.u32(), reader.u32(), reader.u32()];
      const message = reader.readBytes(reader.bytes.readUInt16BE(reader.offset + 2));
      const entries = entriesOf(message);
      if (!entries) return undefined;
      return {
        type: 'chunk',
        session,
        number,
        round,
        last,
        message,
        remaining: reader.readBytes(entries.length * REMAINING),
      };
    }
    case codes.ack:
      return {
        type: 'ack',
        session: reader.u32(),
        next: reader.u32(),
        beyond: reader.readBytes(reader.remaining),
      };
    case codes['ask-groups']:
      return {type: 'ask-groups', session: reader.u32(), round: reader.u32()};
    case codes.groups:
      return {
        type: 'groups',
        session: reader.u32(),
        round: reader.u32(),
        digests: digestsOf(reader, GROUPS),
      };
    case codes['ask-buckets']:
      return withGroup<ResyncMessage & {group: number}>({
        type: 'ask-buckets',
        session: reader.u32(),
        round: reader.u32(),
        group: reader.u8(),
      });
    case codes.buckets:
      return withGroup<ResyncMessage & {group: number}>({
        type: 'buckets',
        session: reader.u32(),
        round: reader.u32(),
        group: reader.u8(),
        digests: digestsOf(reader, GROUP_SIZE),
      });
    case codes.repair: {
      const [session, round] = [reader.u32(), reader.u32()];
      const bits = reader.readBytes(BITMAP);
      const buckets: number[] = [];
      for (let bucket = 0; bucket < BUCKETS; bucket += 1)
        if ((bits[bucket >> 3]! & (1 << (bucket & 7))) !== 0) buckets.push(bucket);
      return {type: 'repair', session, round, buckets};
    }
    default:
      return undefined;
  }
}

const withGroup = <T extends ResyncMessage & {readonly group: number}>(message: T): T | undefined =>
  message.group < GROUPS ? message : undefined;
