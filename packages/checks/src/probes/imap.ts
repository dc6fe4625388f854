/** service=imap and imaps: the greeting, and with `login` a LOGIN that succeeds. */
import type {Clock, Millis} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';
import {converse, DialogueError, LINES_MAX, quoted} from './dialogue.ts';

/** An IMAP quoted string (RFC 3501 section 4.3). */
export const imapString = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

export function probeImap(spec: CheckSpec, limit: Millis, clock: Clock): Promise<ProbeResult> {
  return converse(spec, limit, clock, async ({connect, note}) => {
    const connection = await connect(spec.port, spec.service === 'imaps');
    const greeting = await connection.line('the greeting');
    if (!/^\* (OK|PREAUTH)\b/i.test(greeting)) throw new DialogueError(`the greeting is ${quoted(greeting)}`);
    note(`greeting ${quoted(greeting)}`);
    if (!spec.login) return {passed: true, words: 'no login asked for', bye: 'b LOGOUT\r\n'};
    connection.send(`a LOGIN ${imapString(spec.login)} ${imapString(spec.passwd ?? '')}\r\n`);
    const what = `the answer to LOGIN ${spec.login}`;
    let line: string;
    let lines = 0;
    do {
      if ((lines += 1) > LINES_MAX) throw new DialogueError(`${what} has more than ${LINES_MAX} lines`);
      // oxlint-disable-next-line no-await-in-loop -- untagged lines may come before the answer.
      line = await connection.line(what);
    } while (line.startsWith('* ') && !/^\* BYE\b/i.test(line));
    if (!/^a OK\b/i.test(line)) throw new DialogueError(`${what} is ${quoted(line)}`);
    return {passed: true, words: `logged in as ${spec.login}`, bye: 'b LOGOUT\r\n'};
  });
}
