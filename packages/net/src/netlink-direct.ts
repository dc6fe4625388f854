/**
 * A netlink socket over koffi: one blocking request at a time, answered within microseconds (the kernel
 * answers inside send). Errors carry the errno and the kernel's own message. This is the path of the failover engine and
 * of IPVS: it survives an overrun, and its errors name the cause.
 */
import {align4, readAttributes, readString} from './attributes.ts';
import {
  abi,
  bindSocket,
  closeFd,
  errnoName,
  lastErrno,
  openSocket,
  receive,
  sendTo,
  setIntOption,
  setOption,
} from './sys.ts';

export const netlinkFlag = {
  REQUEST: 1,
  MULTI: 2,
  ACK: 4,
  DUMP: 0x300,
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  CAPPED: 0x100,
  ACK_TLVS: 0x200,
} as const;

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const HEADER = 16;
const SOL_NETLINK = 270;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const ERROR_TEXT = 1;
const RECEIVE_BUFFER = 1 << 20;
/** The protocol of nf_tables. */
export const NETFILTER = 12;
const BATCH_LIMIT = 4 << 20;

/** The kernel refused a request. `code` is the errno's name; `detail` the kernel's own message, if any. */
export class NetlinkError extends Error {
  override name = 'NetlinkError';
  readonly op: string;
  readonly target: string;
  readonly code: string;
  readonly detail: string;

  constructor(op: string, target: string, code: string, detail: string) {
    super(`${op} ${target}: ${code}${detail === '' ? '' : ` (${detail})`}`);
    this.op = op;
    this.target = target;
    this.code = code;
    this.detail = detail;
  }
}

/** The name of a request in errors. */
export interface Purpose {
  readonly op: string;
  readonly target: string;
}

export interface DirectNetlink {
  /** Sends one message and returns the payloads of the answer (without netlink headers). */
  request(type: number, flags: number, payload: Uint8Array, purpose: Purpose): Buffer[];
  /** Sends messages in one datagram, of which the last one is acknowledged. The first error of any of them is thrown. */
  batch(messages: readonly BatchMessage[], purpose: Purpose): void;
  close(): void;
}

export interface BatchMessage {
  readonly type: number;
  readonly flags: number;
  readonly payload: Uint8Array;
}

/** Opens a request socket for a netlink protocol (0 route, 12 netfilter, 16 generic) in the thread's network namespace. */
export function openDirect(protocol: number): DirectNetlink {
  const fd = openSocket(abi.AF_NETLINK, abi.SOCK_RAW, protocol, `netlink ${protocol}`);
  const address = Buffer.alloc(12);
  address.writeUInt16LE(abi.AF_NETLINK, 0);
  bindSocket(fd, address, 'netlink');
  const limit = Buffer.alloc(16);
  // struct timeval {1 s, 0}: the kernel answers at once or never.
  limit.writeBigInt64LE(1n, 0);
  setOption(fd, abi.SOL_SOCKET, abi.SO_RCVTIMEO, limit, 'netlink');
  setIntOption(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1, 'netlink');
  // A batch of thousands of set elements is one datagram.
  if (protocol === NETFILTER) setIntOption(fd, abi.SOL_SOCKET, abi.SO_SNDBUFFORCE, BATCH_LIMIT, 'netlink');
  if (protocol === 0) setIntOption(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1, 'netlink');
  const into = Buffer.alloc(RECEIVE_BUFFER);
  let sequence = 0;
  let open = true;

  /** Reads until the answer to this request is complete; returns its payloads. */
  function answersTo(request: number, purpose: Purpose): Buffer[] {
    const answers: Buffer[] = [];
    for (;;) {
      const length = receive(fd, into, 0);
      if (length < 0) throw new NetlinkError(purpose.op, purpose.target, errnoName(lastErrno()), 'no answer');
      for (let offset = 0; offset + HEADER <= length;) {
        const size = into.readUInt32LE(offset);
        if (size < HEADER) break;
        const kind = into.readUInt16LE(offset + 4);
        const about = into.subarray(offset + HEADER, Math.min(offset + size, length));
        // Ignores a late answer to an earlier request that timed out.
        if (into.readUInt32LE(offset + 8) === request) {
          if (kind === NLMSG_ERROR || kind === NLMSG_DONE) {
            const errno = about.length >= 4 ? about.readInt32LE(0) : 0;
            if (errno !== 0)
              throw new NetlinkError(
                purpose.op,
                purpose.target,
                errnoName(-errno),
                kind === NLMSG_ERROR ? extendedText(about, into.readUInt16LE(offset + 6)) : '',
              );
            return answers;
          }
          answers.push(Buffer.from(about));
        }
        offset += align4(size);
      }
    }
  }

  function send(message: Buffer, purpose: Purpose): void {
    if (sendTo(fd, message, message.length, null) < 0)
      throw new NetlinkError(purpose.op, purpose.target, errnoName(lastErrno()), 'not sent');
  }

  return {
    request: (type, flags, payload, purpose) => {
      sequence = (sequence + 1) >>> 0;
      send(messageOf({type, flags: flags | netlinkFlag.ACK, payload}, sequence), purpose);
      return answersTo(sequence, purpose);
    },
    batch: (messages, purpose) => {
      sequence = (sequence + 1) >>> 0;
      send(Buffer.concat(messages.map((message) => messageOf(message, sequence))), purpose);
      answersTo(sequence, purpose);
    },
    close: () => {
      if (open) closeFd(fd);
      open = false;
    },
  };
}

/** A message with its header, padded for the next one. */
function messageOf({type, flags, payload}: BatchMessage, sequence: number): Buffer {
  const size = HEADER + payload.length;
  const message = Buffer.allocUnsafe(align4(size));
  message.fill(0, size);
  message.writeUInt32LE(size, 0);
  message.writeUInt16LE(type, 4);
  message.writeUInt16LE(flags | netlinkFlag.REQUEST, 6);
  message.writeUInt32LE(sequence, 8);
  message.set(payload, HEADER);
  return message;
}

/** The kernel's message for an error, from the attributes after the (capped) copy of the request. */
function extendedText(about: Buffer, flags: number): string {
  if ((flags & netlinkFlag.ACK_TLVS) === 0) return '';
  const copied = (flags & netlinkFlag.CAPPED) === 0 ? about.readUInt32LE(4) : HEADER;
  const text = readAttributes(about.subarray(4 + ((copied + 3) & ~3))).get(ERROR_TEXT);
  return text ? readString(text) : '';
}
