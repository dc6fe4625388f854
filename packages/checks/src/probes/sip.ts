/** service=sip: OPTIONS for `login`, over the virtual service's protocol; a final answer of 200 passes. */
import {randomBytes} from 'node:crypto';
import os from 'node:os';
import type {Clock, Millis} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';
import {overTcp, type Finding} from './tcp-check.ts';
import {overUdp, type Local} from './udp-check.ts';

/** Maximum octets of an answer's head. */
const HEAD_MAX = 1 << 16;
/** Trying, Ringing, Session Progress: servers send few of them. */
const PROVISIONAL_MAX = 64;

export interface SipOptions {
  readonly login: string;
  readonly transport: 'UDP' | 'TCP';
  readonly local: Local;
  /** Random; the server repeats it in Call-ID. */
  readonly token: string;
}

/** The request (RFC 3261 11.1). */
export function sipOptions({login, transport, local, token}: SipOptions): string {
  const host = local.address.includes(':') ? `[${local.address}]` : local.address;
  return [
    `OPTIONS sip:${login} SIP/2.0`,
    `Via: SIP/2.0/${transport} ${host}:${local.port};branch=z9hG4bK${token}`,
    'Max-Forwards: 70',
    `To: <sip:${login}>`,
    `From: <sip:${login}>;tag=${token}`,
    `Call-ID: ${token}`,
    'CSeq: 1 OPTIONS',
    `Contact: <sip:${login}>`,
    'Accept: application/sdp',
    'Content-Length: 0',
    '\r\n',
  ].join('\r\n');
}

/** The finding for an answer; undefined: incomplete, not ours, or not final. */
export function judgeSip(text: string, token: string, login: string): Finding | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const head = text.slice(0, end);
  const [, status, phrase = ''] = /^SIP\/2\.0 (\d{3}) ?([^\r]*)/.exec(head) ?? [];
  if (status === undefined)
    return {passed: false, reason: `but not with SIP: ${JSON.stringify(head.slice(0, 40))}`};
  const callId = /^(?:call-id|i)[ \t]*:[ \t]*(\S+)/im.exec(head)?.[1];
  if (callId !== token || status.startsWith('1')) return undefined;
  return {passed: status === '200', reason: `OPTIONS sip:${login}: ${`${status} ${phrase}`.trim()}`};
}

/** Splits the data into heads, each with its final empty line; every octet is examined once. */
export class HeadSplitter {
  #pieces: string[] = [];
  /** The last characters of the previous piece: the end of a head may span two pieces. */
  #tail = '';
  /** Characters of the incomplete head. */
  waiting = 0;

  *take(piece: string): Generator<string> {
    let rest = piece;
    for (;;) {
      const end = (this.#tail + rest).indexOf('\r\n\r\n');
      if (end === -1) break;
      const length = end + 4 - this.#tail.length;
      const head = [...this.#pieces, rest.slice(0, length)].join('');
      rest = rest.slice(length);
      this.#pieces = [];
      this.#tail = '';
      this.waiting = 0;
      yield head;
    }
    if (rest === '') return;
    this.#pieces.push(rest);
    this.waiting += rest.length;
    this.#tail = (this.#tail + rest).slice(-3);
  }
}

export function probeSip(spec: CheckSpec, limit: Millis, clock: Clock): Promise<ProbeResult> {
  const login = spec.login ?? `ldirectord@${os.hostname()}`;
  const token = randomBytes(8).toString('hex');
  if (spec.protocol !== 'tcp')
    return overUdp(
      spec,
      limit,
      clock,
      (local) => Buffer.from(sipOptions({login, transport: 'UDP', local, token})),
      (datagram) => judgeSip(datagram.toString(), token, login),
    );
  return overTcp(spec, limit, clock, async (line) => {
    const socket = await line.connect();
    return new Promise((resolve) => {
      const heads = new HeadSplitter();
      let provisional = 0;
      socket.setEncoding('utf8');
      socket.on('data', (chunk: string) => {
        line.meter.enter(chunk.length);
        for (const head of heads.take(chunk)) {
          const finding = judgeSip(head, token, login);
          if (finding) return resolve(finding);
          // A provisional answer has no body: the next head may already have arrived with it.
          provisional += 1;
        }
        if (heads.waiting > HEAD_MAX)
          resolve({passed: false, reason: `no end of the answer within ${HEAD_MAX} octets`});
        else if (provisional > PROVISIONAL_MAX)
          resolve({passed: false, reason: `more than ${PROVISIONAL_MAX} provisional answers`});
      });
      const local = {address: socket.localAddress ?? '0.0.0.0', port: socket.localPort ?? 0};
      socket.write(sipOptions({login, transport: 'TCP', local, token}));
    });
  });
}
