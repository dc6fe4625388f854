/**
 * service=ldap and ldaps: bind (anonymous without login and passwd), then a search of the one entry whose DN is
 * `request`; the DN it comes back with must match `receive` where there is one. Any certificate will do.
 */
import type {Clock, Millis} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import {matchesReceive} from '../perl-regex.ts';
import type {ProbeResult} from '../verdict.ts';
import {overTcp, type Finding} from './tcp-check.ts';

/** `Invalid Credentials (49)` and the like, from the error classes of the client. */
function ldapReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const words = error.name
    .replace(/Error$/, '')
    .replaceAll(/(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, ' ')
    .toLowerCase();
  return 'code' in error && typeof error.code === 'number' ? `${words} (${error.code})` : error.message;
}

/** What a search's entries mean for the check. */
export function judgeEntries(names: readonly string[], base: string, receive?: string): Finding {
  const asked = base === '' ? 'the root DSE' : base;
  const [name] = names;
  if (name === undefined || names.length > 1)
    return {passed: false, reason: `${names.length} entries for ${asked}, expected one`};
  if (receive === undefined) return {passed: true, reason: `found ${asked}`};
  return matchesReceive(receive, name)
    ? {passed: true, reason: `found ${asked}, DN matches /${receive}/`}
    : {passed: false, reason: `DN "${name}" does not match /${receive}/`};
}

export async function probeLdap(spec: CheckSpec, limit: Millis, clock: Clock): Promise<ProbeResult> {
  const secure = spec.service === 'ldaps';
  const base = (spec.request ?? '').replace(/^\//, '');
  const [login, passwd] = spec.login && spec.passwd ? [spec.login, spec.passwd] : ['', ''];
  // Loaded by the first check that needs it, and not at the expense of its limit.
  const {Client} = await import('ldapts');
  return overTcp(spec, limit, clock, async (line) => {
    const socket = await line.connect();
    const open = secure ? await line.secure(socket) : socket;
    // The client speaks in the clear over whatever it is given: TLS is done by then.
    const client = new Client({
      url: `ldap://${spec.family === 6 ? '[::1]' : '127.0.0.1'}`,
      createConnection: () => open,
    });
    line.phase('waiting for the bind');
    try {
      await client.bind(login, passwd);
    } catch (error) {
      const who = login === '' ? 'anonymous bind' : `bind as ${login}`;
      throw new Error(`${who} failed: ${ldapReason(error)}`);
    }
    line.phase('waiting for the search');
    try {
      const {searchEntries} = await client.search(base, {
        scope: 'base',
        filter: '(objectClass=*)',
        attributes: ['1.1'],
      });
      const finding = judgeEntries(
        searchEntries.map(({dn}) => dn),
        base,
        spec.receive,
      );
      return {...finding, goodbye: client.unbind()};
    } catch (error) {
      throw new Error(
        `bind ok, search of ${base === '' ? 'the root DSE' : base} failed: ${ldapReason(error)}`,
      );
    }
  });
}
