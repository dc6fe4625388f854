/** service=pop and pops: the greeting, and with `login` USER and PASS must succeed. */
import type {Clock, Millis} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';
import {converse, DialogueError, quoted, type Connection} from './dialogue.ts';

async function accepted(connection: Connection, what: string): Promise<string> {
  const line = await connection.line(what);
  if (!line.startsWith('+OK')) throw new DialogueError(`${what} is ${quoted(line)}`);
  return line;
}

export function probePop(spec: CheckSpec, limit: Millis, clock: Clock): Promise<ProbeResult> {
  return converse(spec, limit, clock, async ({connect, note}) => {
    const connection = await connect(spec.port, spec.service === 'pops');
    const bye = 'QUIT\r\n';
    note(`greeting ${quoted(await accepted(connection, 'the greeting'))}`);
    if (!spec.login) return {passed: true, words: 'no login asked for', bye};
    connection.send(`USER ${spec.login}\r\n`);
    await accepted(connection, `the answer to USER ${spec.login}`);
    connection.send(`PASS ${spec.passwd ?? ''}\r\n`);
    await accepted(connection, `the answer to PASS of ${spec.login}`);
    return {passed: true, words: `logged in as ${spec.login}`, bye};
  });
}
