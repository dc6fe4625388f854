/**
 * service=dns: queries the name in `request`; an A record's address or a PTR record's name must match
 * `receive`. Without `receive` any such record passes (in ldirectord the check then always fails).
 */
import {randomInt} from 'node:crypto';
import type {Clock, Millis} from '@hactl/base';
import {SlowMatch} from '@hactl/regex';
import type {CheckSpec} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';
import {decodeAnswer, dnsQuestion, encodeQuery, type DnsAnswer} from './dns-message.ts';
import {firstMatch} from './first-match.ts';
import {makeReader, type Found, type Needs} from './reader.ts';
import {overTcp, type Finding} from './tcp-check.ts';
import {overUdp} from './udp-check.ts';

/** The finding for an answer. */
export function judgeDns(answer: DnsAnswer | 'malformed', name: string, receive?: string): Finding {
  if (answer === 'malformed') return {passed: false, reason: 'but the answer is not a DNS message'};
  const {code, values} = answer;
  if (code !== 'NOERROR') return {passed: false, reason: `${code} for ${name}`};
  if (values.length === 0) return {passed: false, reason: `no A or PTR record for ${name}`};
  const shown = values.slice(0, 4).join(', ');
  if (receive === undefined) return {passed: true, reason: `${name} is ${shown}`};
  let match: string | undefined;
  try {
    match = firstMatch(values, receive);
  } catch (error) {
    if (error instanceof SlowMatch) return {passed: false, reason: `/${receive}/: ${error.message}`};
    throw error;
  }
  return match === undefined
    ? {passed: false, reason: `${name} is ${shown}, none matches /${receive}/`}
    : {passed: true, reason: `${name} is ${match}, matches /${receive}/`};
}

/** Over TCP a message is preceded by its length (RFC 1035 section 4.2.2). */
function findMessage(octets: Buffer): Found<Buffer> | Needs {
  if (octets.length < 2) return {needs: 2};
  const used = 2 + octets.readUInt16BE(0);
  return octets.length < used ? {needs: used} : {value: octets.subarray(2, used), used};
}

const LIMITS = {message: 2 + 0xff_ff, total: 2 + 0xff_ff, messages: 1};

/** One query over the virtual service's protocol; an answer too long for a datagram is fetched over TCP. */
export async function probeDns(spec: CheckSpec, limit: Millis, clock: Clock): Promise<ProbeResult> {
  const started = clock.now();
  const question = dnsQuestion(spec.request ?? '');
  if (!question)
    return {
      passed: false,
      reason: `request "${spec.request ?? ''}" is not a name to look up`,
      took: 0,
    };
  const id = randomInt(0x1_00_00);
  const query = encodeQuery(id, question);
  const judge = (answer: DnsAnswer | 'malformed'): Finding => judgeDns(answer, question.name, spec.receive);

  if (spec.protocol !== 'tcp') {
    let truncated = false;
    const result = await overUdp(
      spec,
      limit,
      clock,
      () => query,
      (datagram) => {
        const answer = decodeAnswer(datagram, id);
        if (answer === undefined) return undefined;
        truncated = answer !== 'malformed' && answer.truncated;
        return judge(answer);
      },
    );
    if (!truncated || result.passed) return result;
  }
  const left = Math.max(1, Math.ceil(limit - (clock.now() - started)));
  return overTcp(spec, left, clock, async (line) => {
    const socket = await line.connect();
    const reader = makeReader(socket, LIMITS, line.meter);
    const size = Buffer.alloc(2);
    size.writeUInt16BE(query.length);
    socket.write(Buffer.concat([size, query]));
    const message = await reader.next(findMessage);
    return judge(decodeAnswer(message, id) ?? 'malformed');
  });
}
