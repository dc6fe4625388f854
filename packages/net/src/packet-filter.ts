/** Instructions of the kernel's packet filter (linux/bpf_common.h), in the words of the classic assembler. Pure. */
import type {FilterInstruction} from './sys.ts';

export const ldh = (k: number): FilterInstruction => ({code: 0x28, jt: 0, jf: 0, k: k >>> 0});
export const ldb = (k: number): FilterInstruction => ({code: 0x30, jt: 0, jf: 0, k: k >>> 0});
export const ldxMsh = (k: number): FilterInstruction => ({code: 0xb1, jt: 0, jf: 0, k});
export const ldhIndexed = (k: number): FilterInstruction => ({code: 0x48, jt: 0, jf: 0, k});
export const jeq = (k: number, jt: number, jf: number): FilterInstruction => ({code: 0x15, jt, jf, k});
export const jset = (k: number, jt: number, jf: number): FilterInstruction => ({code: 0x45, jt, jf, k});
export const ret = (k: number): FilterInstruction => ({code: 0x06, jt: 0, jf: 0, k});
/** Facts that are not in the packet are read from these places. */
export const SKF_AD_OFF = -0x1000;
export const SKF_AD_PROTOCOL = 0;
export const SKF_AD_PKTTYPE = 4;
export const PACKET_OUTGOING = 4;
/** Where the network header begins, wherever the socket's data do. */
export const SKF_NET_OFF = -0x100000;
export const ld = (k: number): FilterInstruction => ({code: 0x20, jt: 0, jf: 0, k: k >>> 0});
/** The packet's length, from where the socket's data begin. */
export const ldLength = (): FilterInstruction => ({code: 0x80, jt: 0, jf: 0, k: 0});
export const sub = (k: number): FilterInstruction => ({code: 0x14, jt: 0, jf: 0, k: k >>> 0});
export const tax = (): FilterInstruction => ({code: 0x07, jt: 0, jf: 0, k: 0});
/** Compares with what `tax` kept. */
export const jeqX = (jt: number, jf: number): FilterInstruction => ({code: 0x1d, jt, jf, k: 0});
export const jge = (k: number, jt: number, jf: number): FilterInstruction => ({
  code: 0x35,
  jt,
  jf,
  k: k >>> 0,
});

/** Where a UDP socket's filter finds the datagram's first octet. */
export const UDP_PAYLOAD = 8;
/** Where the IP header has the TTL or hop limit. */
const HOPS_AT = {4: 8, 6: 7} as const;

/** A test that a packet must pass: what it loads, then a jump over 0 instructions for yes. */
export interface FilterTest {
  readonly load: readonly FilterInstruction[];
  readonly jump: (otherwise: number) => FilterInstruction;
}

/** 16 or 32 bits of the payload have this value. */
export const payloadIs = (bits: 16 | 32, at: number, value: number): FilterTest => ({
  load: [bits === 16 ? ldh(UDP_PAYLOAD + at) : ld(UDP_PAYLOAD + at)],
  jump: (otherwise) => jeq(value >>> 0, 0, otherwise),
});

/** No router has passed it on (RFC 5082). */
export const hopsAre255 = (family: 4 | 6): FilterTest => ({
  load: [ldb(SKF_NET_OFF + HOPS_AT[family])],
  jump: (otherwise) => jeq(255, 0, otherwise),
});

/** At least so many octets of payload. */
export const payloadAtLeast = (octets: number): FilterTest => ({
  load: [ldLength()],
  jump: (otherwise) => jge(UDP_PAYLOAD + octets, 0, otherwise),
});

/** The 16 bits at this place are the payload's length. */
export const payloadLengthAt = (at: number): FilterTest => ({
  load: [ldLength(), sub(UDP_PAYLOAD), tax(), ldh(UDP_PAYLOAD + at)],
  jump: (otherwise) => jeqX(0, otherwise),
});

/** A program that lets through what passes all tests. */
export function passAll(tests: readonly FilterTest[]): FilterInstruction[] {
  const bodies = tests.map(({load}) => load.length + 1);
  const program = tests.flatMap(({load, jump}, index) => {
    const rest = bodies.slice(index + 1).reduce((sum, length) => sum + length, 0);
    return [...load, jump(rest + 1)];
  });
  return [...program, ret(0x40000), ret(0)];
}
