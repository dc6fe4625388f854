/** Sessions of the console: user, role and expiry. Pure: the caller generates the tokens. */
import type {WallTime} from '@hactl/base';

/** viewer: read-only. operator: may drain, set weights and move groups. admin: may change configuration and users. */
export type Role = 'viewer' | 'operator' | 'admin';

/** In ascending order. */
export const roles: readonly Role[] = ['viewer', 'operator', 'admin'];

/** Whether `role` includes the rights of `wanted`. */
export const includes = (role: Role, wanted: Role): boolean => roles.indexOf(role) >= roles.indexOf(wanted);

export interface Session {
  readonly user: string;
  readonly role: Role;
  /** Must be sent in a header with each change: a cross-site page cannot read it. */
  readonly csrf: string;
  readonly since: WallTime;
  readonly usedAt: WallTime;
}

/** Keyed by the SHA-256 of the cookie: a memory dump contains no usable cookie. */
export type Sessions = ReadonlyMap<string, Session>;

/** Idle timeout, milliseconds. */
export const IDLE_LIMIT_MS = 30 * 60_000;
/** Absolute timeout, milliseconds. */
export const SESSION_LIMIT_MS = 12 * 3_600_000;
/** Maximum sessions; the oldest is dropped. */
const SESSIONS_MOST = 200;

const isOver = ({since, usedAt}: Session, now: WallTime): boolean =>
  now - usedAt > IDLE_LIMIT_MS || now - since > SESSION_LIMIT_MS || now < since;

/** Starts a session; login always creates a new one, which prevents session fixation. */
export function begin(
  sessions: Sessions,
  key: string,
  who: Pick<Session, 'user' | 'role' | 'csrf'>,
  now: WallTime,
): Sessions {
  const kept = [...sessions].filter(([, session]) => !isOver(session, now)).slice(-(SESSIONS_MOST - 1));
  return new Map([...kept, [key, {...who, since: now, usedAt: now}]]);
}

/** The cookie's session, if still valid, and the sessions with its last use updated. */
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
