/** service=nntp: a greeting that begins with 2 (RFC 3977: 200 posting allowed, 201 not). */
import type {Clock, Millis} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';
import {converse, quoted} from './dialogue.ts';

export function probeNntp(spec: CheckSpec, limit: Millis, clock: Clock): Promise<ProbeResult> {
  return converse(spec, limit, clock, async ({connect}) => {
    const connection = await connect(spec.port);
    const greeting = await connection.line('the greeting');
    if (greeting.startsWith('2'))
      return {passed: true, words: `greeting ${quoted(greeting)}`, bye: 'QUIT\r\n'};
    return {passed: false, words: `the greeting is ${quoted(greeting)}`, bye: 'QUIT\r\n'};
  });
}
