/** service=smtp and submission: a 2xx greeting and a 2xx answer to HELO. No STARTTLS, no mail, as in ldirectord. */
import type {Clock, Millis} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';
import {converse, expectReply, quoted, readReply} from './dialogue.ts';

/** An address literal in place of a name, RFC 5321 section 4.1.3. */
const literal = (address: string): string => (address.includes(':') ? `[IPv6:${address}]` : `[${address}]`);

export function probeSmtp(spec: CheckSpec, limit: Millis, clock: Clock): Promise<ProbeResult> {
  return converse(spec, limit, clock, async ({connect, note}) => {
    const connection = await connect(spec.port);
    const greeting = await expectReply(connection, 'the greeting', '2');
    note(`greeting ${quoted(greeting.text)}`);
    const name = literal(connection.localAddress);
    connection.send(`EHLO ${name}\r\n`);
    const extended = await readReply(connection, 'the answer to EHLO');
    if (extended.code >= 200 && extended.code < 300)
      return {passed: true, words: `EHLO ${extended.code}`, bye: 'QUIT\r\n'};
    connection.send(`HELO ${name}\r\n`);
    const plain = await expectReply(connection, 'the answer to HELO', '2');
    return {passed: true, words: `HELO ${plain.code}`, bye: 'QUIT\r\n'};
  });
}
