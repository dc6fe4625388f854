/**
 * service=simpletcp: the request is sent, our side closed, and some line of the answer must match `receive`. For a udp
 * virtual it is a datagram each way, as ldirectord does.
 */
import dgram from 'node:dgram';
import type {Clock, Millis} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import {receiveMatches, receivePattern} from '@hactl/regex';
import type {ProbeResult} from '../verdict.ts';
import {explainError} from './connect.ts';
import {converse, quoted} from './dialogue.ts';
import {oneVerdict} from './one-verdict.ts';

/** What is sent: without the slash that ldirectord puts before every request; `\n` written out is a newline. */
export const simpleRequest = (request = ''): string =>
  Buffer.from(request.replace(/^\//, '').replaceAll('\\n', '\n'), 'utf8').toString('latin1');

/** Does a line of the answer match? The last one counts when it is whole, or when nothing more will come. */
export function someLineMatches(text: string, ended: boolean, receive: string | undefined): boolean {
  const lines = text.split(/(?<=\n)/);
  if (!ended && !text.endsWith('\n')) lines.pop();
  if (receive === undefined) return lines.some((line) => line !== '');
  const pattern = receivePattern(receive);
  return lines.some((line) => line !== '' && receiveMatches(pattern, line));
}

const verdict = (spec: CheckSpec, text: string, found: boolean): {passed: boolean; words: string} => ({
  passed: found,
  words:
    text === ''
      ? 'closed without an answer'
      : spec.receive === undefined
        ? `answer ${quoted(text)}`
        : `answer ${quoted(text)} ${found ? 'matches' : 'has no line that matches'} /${spec.receive}/`,
});

export function probeSimpleTcp(spec: CheckSpec, limit: Millis, clock: Clock): Promise<ProbeResult> {
  if (spec.protocol === 'udp') return probeSimpleUdp(spec, limit, clock);
  return converse(spec, limit, clock, async ({connect}) => {
    const connection = await connect(spec.port);
    connection.send(simpleRequest(spec.request));
    connection.finish();
    let found = false;
    const text = await connection.rest('the answer', (so, ended) => {
      found = someLineMatches(so, ended, spec.receive);
      return found;
    });
    return verdict(spec, text, found);
  });
}

function probeSimpleUdp(spec: CheckSpec, limit: Millis, clock: Clock): Promise<ProbeResult> {
  const target = `${spec.address} udp port ${spec.port}`;
  let last = '';
  return oneVerdict(
    limit,
    clock,
    (talk) => {
      const socket = dgram.createSocket(spec.family === 6 ? 'udp6' : 'udp4');
      socket.on('error', (error) => talk.end(false, explainError(error, target)));
      socket.on('message', (datagram) => {
        last = datagram.toString('latin1');
        try {
          if (someLineMatches(last, true, spec.receive)) talk.end(true, verdict(spec, last, true).words);
        } catch (error) {
          talk.fail(error);
        }
      });
      // Connected, so that only the real is heard, and a port that nobody has is told.
      socket.connect(spec.port, spec.address, () =>
        socket.send(Buffer.from(simpleRequest(spec.request), 'latin1')),
      );
      return () => socket.close();
    },
    () => (last === '' ? `no answer from ${target} within ${limit} ms` : verdict(spec, last, false).words),
  );
}
