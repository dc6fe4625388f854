/**
 * service=simpletcp: sends the request, half-closes, and some line of the answer must match `receive`. For a udp
 * virtual service it is a datagram each way, as in ldirectord.
 */
import dgram from 'node:dgram';
import type {Clock, Millis} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import {receiveMatches, receivePattern, SlowMatch} from '@hactl/regex';
import type {ProbeResult} from '../verdict.ts';
import {explainError} from './connect.ts';
import {converse, quoted} from './dialogue.ts';
import {oneVerdict} from './one-verdict.ts';

/** The data sent: without the slash that ldirectord puts before every request; the characters `\n` become a newline. */
export const simpleRequest = (request = ''): string =>
  Buffer.from(request.replace(/^\//, '').replaceAll('\\n', '\n'), 'utf8').toString('latin1');

/** Maximum characters of the answer shown in a reason. */
const SHOWN = 100;
/** Maximum lines of an answer. */
const LINES_MAX = 1 << 16;
/** Maximum CPU time for searching the lines of one answer. */
const SPENT_MAX: Millis = 50;
/** Lines searched between two readings of the clock. */
const STRIDE = 64;

/** Searches the lines of an answer for `receive`; each once, when it is complete or the answer has ended. */
export class LineSearch {
  readonly #receive: string | undefined;
  readonly #pattern: RegExp | undefined;
  #partial: string[] = [];
  #lines = 0;
  #spent: Millis = 0;

  constructor(receive: string | undefined) {
    this.#receive = receive;
    this.#pattern = receive === undefined ? undefined : receivePattern(receive);
  }

  /** Does a line received so far match? Throws a SlowMatch. */
  found(piece: string, ended: boolean): boolean {
    let at = 0;
    let before = process.threadCpuUsage();
    for (let end = piece.indexOf('\n'); end !== -1; end = piece.indexOf('\n', at)) {
      const line = this.#whole(piece.slice(at, end + 1));
      at = end + 1;
      if (this.#matches(line)) return true;
      if (this.#lines % STRIDE > 0) continue;
      before = this.#charge(before);
    }
    if (at < piece.length) this.#partial.push(piece.slice(at));
    const found = ended && this.#partial.length > 0 && this.#matches(this.#whole(''));
    this.#charge(before);
    return found;
  }

  #whole(end: string): string {
    if (this.#partial.length === 0) return end;
    const line = this.#partial.join('') + end;
    this.#partial = [];
    return line;
  }

  #matches(line: string): boolean {
    this.#lines += 1;
    if (this.#lines > LINES_MAX) throw new SlowMatch(`more than ${LINES_MAX} lines in the answer: given up`);
    return this.#receive === undefined || receiveMatches(this.#pattern, line);
  }

  #charge(before: NodeJS.CpuUsage): NodeJS.CpuUsage {
    const now = process.threadCpuUsage();
    this.#spent += (now.user + now.system - before.user - before.system) / 1_000;
    if (this.#spent > SPENT_MAX)
      throw new SlowMatch(`searching the answer takes more than ${SPENT_MAX} ms: given up`);
    return now;
  }
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
    const search = new LineSearch(spec.receive);
    let [found, beginning] = [false, ''];
    await connection.rest('the answer', (piece, ended) => {
      if (beginning.length < SHOWN) beginning += piece.slice(0, SHOWN);
      found = search.found(piece, ended);
      return found;
    });
    return verdict(spec, beginning, found);
  });
}

function probeSimpleUdp(spec: CheckSpec, limit: Millis, clock: Clock): Promise<ProbeResult> {
  const target = `${spec.address} udp port ${spec.port}`;
  let last = '';
  return oneVerdict(
    spec,
    limit,
    clock,
    (talk) => {
      const socket = dgram.createSocket(spec.family === 6 ? 'udp6' : 'udp4');
      socket.on('error', (error) => talk.fail(error, explainError(error, target)));
      socket.on('message', (datagram) => {
        talk.meter.enter(datagram.length);
        if (talk.over()) return;
        last = datagram.toString('latin1');
        try {
          if (new LineSearch(spec.receive).found(last, true)) talk.end(true, verdict(spec, last, true).words);
        } catch (error) {
          talk.fail(error);
        }
      });
      // Connected, so that only the real server's datagrams arrive, and a closed port is reported.
      socket.connect(spec.port, spec.address, () =>
        socket.send(Buffer.from(simpleRequest(spec.request), 'latin1')),
      );
      return () => socket.close();
    },
    () => (last === '' ? `no answer from ${target} within ${limit} ms` : verdict(spec, last, false).words),
  );
}
