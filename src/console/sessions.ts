/** Sessions of the console: who is logged in, with what role, and until when. Pure: tokens are made by the caller. */
import type {WallTime} from '@hactl/base';

/** viewer: may look. operator: may drain, weigh and move. admin: may change the configuration and the users. */
export type Role = 'viewer' | 'operator' | 'admin';

/** From the least to the most. */
export const roles: readonly Role[] = ['viewer', 'operator', 'admin'];

/** Does somebody with `role` have the rights of `wanted`? */
export const includes = (role: Role, wanted: Role): boolean => roles.indexOf(role) >= roles.indexOf(wanted);

export interface Session {
  readonly user: string;
  readonly role: Role;
  /** A request that changes something must bring it in a header: a foreign page cannot read it. */
  readonly csrf: string;
  readonly since: WallTime;
  readonly usedAt: WallTime;
}

/** By the SHA-256 of the cookie: a copy of this memory logs nobody in. */
export type Sessions = ReadonlyMap<string, Session>;

/** Without a request for this long a session ends, milliseconds. */
export const IDLE_LIMIT_MS = 30 * 60_000;
/** Whatever its use, milliseconds. */
export const SESSION_LIMIT_MS = 12 * 3_600_000;
/** The oldest session goes when there are more. */
const SESSIONS_MOST = 200;

const isOver = ({since, usedAt}: Session, now: WallTime): boolean =>
  now - usedAt > IDLE_LIMIT_MS || now - since > SESSION_LIMIT_MS || now < since;

/** Begins a session; a login always makes a new one, so a session id that was planted before is worth nothing. */
export function begin(
  sessions: Sessions,
  key: string,
  who: Pick<Session, 'user' | 'role' | 'csrf'>,
  now: WallTime,
): Sessions {
  const kept = [...sessions].filter(([, session]) => !isOver(session, now)).slice(-(SESSIONS_MOST - 1));
  return new Map([...kept, [key, {...who, since: now, usedAt: now}]]);
}

/** The session of this cookie, if it still counts, and the sessions with its use noted. */
export function use(sessions: Sessions, key: string, now: WallTime): [Session | undefined, Sessions] {
  const session = sessions.get(key);
  if (!session || isOver(session, now)) return [undefined, without(sessions, key)];
  const used = {...session, usedAt: now};
  return [used, new Map(sessions).set(key, used)];
}

/** Ends one session. */
export function without(sessions: Sessions, key: string): Sessions {
  const rest = new Map(sessions);
  rest.delete(key);
  return rest;
}

/** Ends every session of a user whose password, role or account changed. */
export const withoutUser = (sessions: Sessions, user: string): Sessions =>
  new Map([...sessions].filter(([, session]) => session.user !== user));
