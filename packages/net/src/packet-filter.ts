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
