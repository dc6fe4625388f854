/**
 * service=ldap and ldaps: bind (anonymous without login and passwd), then a search of the one entry whose DN is
 * `request`; the returned DN must match `receive`, if configured. Any certificate is accepted.
 */
import type {Clock, Millis} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import {textMatches} from '@hactl/regex';
import type {ProbeResult} from '../verdict.ts';
import {
  bindRequest,
  findLdap,
  resultText,
  searchRequest,
  unbindRequest,
  type LdapMessage,
} from './ldap-message.ts';
import {makeReader} from './reader.ts';
import {overTcp, type Finding} from './tcp-check.ts';

const LIMITS = {message: 1 << 16, total: 1 << 20, messages: 1_000};
const [BIND, SEARCH, UNBIND] = [1, 2, 3];

/** The finding for a search's entries. */
export function judgeEntries(names: readonly string[], base: string, receive?: string): Finding {
  const asked = base === '' ? 'the root DSE' : base;
  const [name] = names;
  if (name === undefined || names.length > 1)
    return {passed: false, reason: `${names.length} entries for ${asked}, expected one`};
  if (receive === undefined) return {passed: true, reason: `found ${asked}`};
  return textMatches(receive, name)
    ? {passed: true, reason: `found ${asked}, DN matches /${receive}/`}
    : {passed: false, reason: `DN "${name}" does not match /${receive}/`};
}

export function probeLdap(spec: CheckSpec, limit: Millis, clock: Clock): Promise<ProbeResult> {
  const base = (spec.request ?? '').replace(/^\//, '');
  const [login, passwd] = spec.login && spec.passwd ? [spec.login, spec.passwd] : ['', ''];
  return overTcp(spec, limit, clock, async (line) => {
    const plain = await line.connect();
    const socket = spec.service === 'ldaps' ? await line.secure(plain) : plain;
    const reader = makeReader(socket, LIMITS, line.meter);
    /** The next message that answers request `id`; others are skipped, except a notice of disconnection. */
    const answer = async (id: number): Promise<LdapMessage> => {
      for (;;) {
        // oxlint-disable-next-line no-await-in-loop -- messages follow one another.
        const message = await reader.next(findLdap);
        if (message.kind === 'notice' && message.id === 0)
          throw new Error(`the server ended the session: ${resultText(message)}`);
        if (message.id === id) return message;
      }
    };

    line.phase('waiting for the bind');
    socket.write(bindRequest(BIND, login, passwd));
    const bind = await answer(BIND);
    const who = login === '' ? 'anonymous bind' : `bind as ${login}`;
    if (bind.kind !== 'bind') throw new Error(`${who} failed: not answered as a bind`);
    if (bind.code !== 0) throw new Error(`${who} failed: ${resultText(bind)}`);

    line.phase('waiting for the search');
    socket.write(searchRequest(SEARCH, base));
    const names: string[] = [];
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- messages follow one another.
      const message = await answer(SEARCH);
      if (message.kind === 'entry') names.push(message.name);
      const ended = message.kind === 'done' || names.length > 1;
      if (message.kind === 'done' && message.code !== 0)
        throw new Error(
          `bind ok, search of ${base === '' ? 'the root DSE' : base} failed: ${resultText(message)}`,
        );
      if (ended) break;
    }
    const goodbye = new Promise(
      (resolve) => void socket.end(unbindRequest(UNBIND), () => resolve(undefined)),
    );
    return {...judgeEntries(names, base, spec.receive), goodbye};
  });
}
