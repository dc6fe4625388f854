/** Instructions of the kernel's packet filter (linux/bpf_common.h), named as in the classic assembler. Pure. */
import type {FilterInstruction} from './sys.ts';

export const ldh = (k: number): FilterInstruction => ({code: 0x28, jt: 0, jf: 0, k: k >>> 0});
export const ldb = (k: number): FilterInstruction => ({code: 0x30, jt: 0, jf: 0, k: k >>> 0});
export const ldxMsh = (k: number): FilterInstruction => ({code: 0xb1, jt: 0, jf: 0, k});
export const ldhIndexed = (k: number): FilterInstruction => ({code: 0x48, jt: 0, jf: 0, k});
export const jeq = (k: number, jt: number, jf: number): FilterInstruction => ({code: 0x15, jt, jf, k});
export const jset = (k: number, jt: number, jf: number): FilterInstruction => ({code: 0x45, jt, jf, k});
export const ret = (k: number): FilterInstruction => ({code: 0x06, jt: 0, jf: 0, k});
/** Offsets of ancillary data, which is not in the packet. */
export const SKF_AD_OFF = -0x1000;
export const SKF_AD_PROTOCOL = 0;
export const SKF_AD_PKTTYPE = 4;
export const PACKET_OUTGOING = 4;
/** Offset of the network header, wherever the socket's data begin. */
export const SKF_NET_OFF = -0x100000;
export const ld = (k: number): FilterInstruction => ({code: 0x20, jt: 0, jf: 0, k: k >>> 0});
/** The packet's length, counted from the beginning of the socket's data. */
export const ldLength = (): FilterInstruction => ({code: 0x80, jt: 0, jf: 0, k: 0});
export const sub = (k: number): FilterInstruction => ({code: 0x14, jt: 0, jf: 0, k: k >>> 0});
export const tax = (): FilterInstruction => ({code: 0x07, jt: 0, jf: 0, k: 0});
/** Compares with the value saved by `tax`. */
export const jeqX = (jt: number, jf: number): FilterInstruction => ({code: 0x1d, jt, jf, k: 0});
export const jge = (k: number, jt: number, jf: number): FilterInstruction => ({
  code: 0x35,
  jt,
  jf,
  k: k >>> 0,
});

/** Offset of the datagram's first octet in a UDP socket's filter. */
export const UDP_PAYLOAD = 8;
/** Offset of the TTL or hop limit in the IP header. */
const HOPS_AT = {4: 8, 6: 7} as const;

/** A test that a packet must pass: load instructions, then a jump whose true branch skips 0 instructions. */
export interface FilterTest {
  readonly load: readonly FilterInstruction[];
  readonly jump: (otherwise: number) => FilterInstruction;
}

/** Tests that 16 or 32 bits of the payload have this value. */
export const payloadIs = (bits: 16 | 32, offset: number, value: number): FilterTest => ({
  load: [bits === 16 ? ldh(UDP_PAYLOAD + offset) : ld(UDP_PAYLOAD + offset)],
  jump: (otherwise) => jeq(value >>> 0, 0, otherwise),
});

/** Tests that no router has forwarded it (RFC 5082). */
export const hopsAre255 = (family: 4 | 6): FilterTest => ({
  load: [ldb(SKF_NET_OFF + HOPS_AT[family])],
  jump: (otherwise) => jeq(255, 0, otherwise),
});

/** Tests the minimum length of the payload. */
export const payloadAtLeast = (octets: number): FilterTest => ({
  load: [ldLength()],
  jump: (otherwise) => jge(UDP_PAYLOAD + octets, 0, otherwise),
});

/** Tests that the 16 bits at this offset are the payload's length. */
export const payloadLengthAt = (offset: number): FilterTest => ({
  load: [ldLength(), sub(UDP_PAYLOAD), tax(), ldh(UDP_PAYLOAD + offset)],
  jump: (otherwise) => jeqX(0, otherwise),
});

/** A program that accepts packets that pass all tests. */
export function passAll(tests: readonly FilterTest[]): FilterInstruction[] {
  const bodies = tests.map(({load}) => load.length + 1);
  const program = tests.flatMap(({load, jump}, index) => {
    const rest = bodies.slice(index + 1).reduce((sum, length) => sum + length, 0);
    return [...load, jump(rest + 1)];
  });
  return [...program, ret(0x40000), ret(0)];
}
