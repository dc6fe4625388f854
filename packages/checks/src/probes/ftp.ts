/**
 * service=ftp: login, CWD /, binary, passive; with `request` the file is fetched and must match `receive`, if
 * configured. ldirectord's check without `receive` never fails; here the login must succeed and the file must exist.
 */
import os from 'node:os';
import type {Clock, Millis} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import {receivePattern} from '@hactl/regex';
import type {ProbeResult} from '../verdict.ts';
import {converse, DialogueError, expectReply, INPUT_MAX, quoted, readReply} from './dialogue.ts';
import {GrowingMatch} from './growing-match.ts';

const PART = INPUT_MAX / 2;

/**
 * The port in an answer to PASV (RFC 959) or EPSV (RFC 2428). Its address is ignored: behind address
 * translation it is often wrong, and the data must come from the real server being checked.
 */
export function passivePort(text: string): number | undefined {
  const extended = /\((.)\1\1(\d{1,5})\1\)/.exec(text)?.[2];
  if (extended !== undefined) return asPort(Number(extended));
  const plain = /(?:\d{1,3},){4}(\d{1,3}),(\d{1,3})/.exec(text);
  return plain ? asPort(Number(plain[1]) * 256 + Number(plain[2])) : undefined;
}

const asPort = (port: number): number | undefined => (port > 0 && port < 65_536 ? port : undefined);

export function probeFtp(spec: CheckSpec, limit: Millis, clock: Clock): Promise<ProbeResult> {
  return converse(spec, limit, clock, async ({connect, note}) => {
    const connection = await connect(spec.port);
    const bye = 'QUIT\r\n';
    const login = spec.login || 'anonymous';
    const passwd = spec.passwd || `ldirectord@${os.hostname()}`;
    const ask = (command: string, classes: string, shown = command) => {
      connection.send(`${command}\r\n`);
      return expectReply(connection, `the answer to ${shown}`, classes);
    };
    const greeting = await expectReply(connection, 'the greeting', '2');
    note(`greeting ${quoted(greeting.text)}`);
    const user = await ask(`USER ${login}`, '23');
    if (user.code >= 300) await ask(`PASS ${passwd}`, '2', `PASS of ${login}`);
    note(`logged in as ${login}`);
    await ask('CWD /', '2');
    await ask('TYPE I', '2');
    const wanted = spec.request ?? '/';
    if (wanted === '/') {
      if (spec.receive === undefined) return {passed: true, words: 'no file asked for', bye};
      return {passed: false, words: `expected /${spec.receive}/, but request names no file`, bye};
    }
    const file = wanted.startsWith('/') ? wanted : `/${wanted}`;
    const passive = spec.family === 6 ? 'EPSV' : 'PASV';
    const entered = await ask(passive, '2');
    const port = passivePort(entered.text);
    if (port === undefined)
      throw new DialogueError(`the answer to ${passive} names no port: ${quoted(entered.text)}`);
    const data = await connect(port);
    await ask(`RETR ${file}`, '1');
    const match = new GrowingMatch(spec.receive === undefined ? undefined : receivePattern(spec.receive));
    let content = '';
    let found = spec.receive === undefined;
    // A long file is not read to its end: `receive` must match within its first part.
    await data.rest(`the content of ${file}`, (piece, ended) => {
      content += piece;
      const last = ended || content.length >= PART;
      if (last && spec.receive !== undefined) found = match.found(content, ended);
      return last && found;
    });
    data.close();
    const size = `${file}, ${content.length} octets`;
    if (!found)
      return {passed: false, words: `${size}, does not match /${spec.receive}/: ${quoted(content)}`, bye};
    const words = spec.receive === undefined ? size : `${size}, matches /${spec.receive}/`;
    if (content.length >= PART) return {passed: true, words, bye};
    const end = await readReply(connection, `the end of ${file}`);
    if (end.code >= 300) throw new DialogueError(`the end of ${file} is ${quoted(end.text)}`);
    return {passed: true, words, bye};
  });
}
