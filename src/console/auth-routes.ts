/** Login, logout and the first user. */
import {createHash, randomBytes} from 'node:crypto';
import type {FastifyInstance, FastifyReply, FastifyRequest} from 'fastify';
import type {Clock} from '@hactl/base';
import {networkOf} from './connections.ts';
import {failed, noFailures, pauseOf, succeeded} from './login-limit.ts';
import {ApiError, declare, object} from './route.ts';
import {begin, use, without, withoutUser, type Role, type Sessions} from './sessions.ts';
import {makeUser, passwordFits, userProblem, type UserStore} from './users.ts';

/** `__Host-`: this host only, TLS only, every path. */
export const COOKIE = '__Host-hactl';

const keyOf = (cookie: string): string => createHash('sha256').update(cookie).digest('hex');
const text = (most: number): object => ({type: 'string', minLength: 1, maxLength: most});

/** Attaches the cookie's session to each request, and declares the session routes. */
export function authRoutes(app: FastifyInstance, users: UserStore, clock: Clock) {
  let sessions: Sessions = new Map();
  let limit = noFailures;

  app.decorateRequest('session', undefined);
  app.addHook('onRequest', async (request) => {
    const cookie = request.cookies[COOKIE];
    if (cookie === undefined) return;
    [request.session, sessions] = use(sessions, keyOf(cookie), clock.wall());
  });

  function login(request: FastifyRequest, reply: FastifyReply, user: {name: string; role: Role}): object {
    const cookie = randomBytes(32).toString('base64url');
    const csrf = randomBytes(24).toString('base64url');
    const before = request.cookies[COOKIE];
    if (before !== undefined) sessions = without(sessions, keyOf(before));
    sessions = begin(sessions, keyOf(cookie), {user: user.name, role: user.role, csrf}, clock.wall());
    void reply.setCookie(COOKIE, cookie, {path: '/', secure: true, httpOnly: true, sameSite: 'strict'});
    return {user: user.name, role: user.role, csrf};
  }

  declare(app, {
    method: 'GET',
    url: '/api/session',
    role: 'anybody',
    summary: 'The logged-in user; `first`: no user exists yet.',
    work: ({session}) =>
      session
        ? {user: session.user, role: session.role, csrf: session.csrf}
        : {first: users.list().length === 0},
  });

  declare(app, {
    method: 'POST',
    url: '/api/login',
    role: 'anybody',
    summary: 'Starts a session.',
    body: object({user: text(64), password: text(256)}),
    work: async (request, reply) => {
      const {user: name, password} = request.body as {user: string; password: string};
      const keys = [`user ${name}`, `address ${networkOf(request.ip ?? '')}`];
      const pause = pauseOf(limit, keys, clock.now());
      if (pause > 0) {
        void reply.header('retry-after', Math.ceil(pause / 1_000));
        throw new ApiError(429, 'too-many', `too many attempts: wait ${Math.ceil(pause / 1_000)} s`);
      }
      // Counted before the slow hash: a burst of attempts must not slip through while the first is verified.
      limit = failed(limit, keys, clock.now());
      const user = users.find(name);
      if (!(await passwordFits(user, password)) || !user)
        throw new ApiError(401, 'wrong', 'wrong user or password');
      limit = succeeded(limit, keys);
      return login(request, reply, user);
    },
  });

  declare(app, {
    method: 'POST',
    url: '/api/logout',
    role: 'viewer',
    summary: 'Ends the session.',
    work: (request, reply) => {
      sessions = without(sessions, keyOf(request.cookies[COOKIE] ?? ''));
      void reply.clearCookie(COOKIE, {path: '/', secure: true, httpOnly: true, sameSite: 'strict'});
      return {ok: true};
    },
  });

  declare(app, {
    method: 'POST',
    url: '/api/first-user',
    role: 'anybody',
    summary: 'Creates the first administrator with the one-time link from `hactl console link`.',
    body: object({token: text(64), user: text(64), password: text(256)}),
    work: async (request, reply) => {
      const {token, user, password} = request.body as {token: string; user: string; password: string};
      const keys = [`address ${networkOf(request.ip ?? '')}`];
      const pause = pauseOf(limit, keys, clock.now());
      if (pause > 0)
        throw new ApiError(429, 'too-many', `too many attempts: wait ${Math.ceil(pause / 1_000)} s`);
      const problem = userProblem(user, 'admin', password);
      if (problem !== undefined) throw new ApiError(400, 'bad-user', problem);
      if (users.list().length > 0 || !users.redeem(token, clock.wall())) {
        limit = failed(limit, keys, clock.now());
        throw new ApiError(
          403,
          'bad-link',
          'the link has been used or has expired: run `hactl console link` again',
        );
      }
      const made = await makeUser(user, 'admin', password);
      users.put(made);
      return login(request, reply, made);
    },
  });

  return {
    /** Whether the session of this request is still valid; checked repeatedly by the status stream. */
    isOn: (request: FastifyRequest): boolean => {
      const cookie = request.cookies[COOKIE] ?? '';
      const [session, next] = use(sessions, keyOf(cookie), clock.wall());
      sessions = next;
      return session !== undefined;
    },
    /** Forces a changed user to log in again. */
    forget: (name: string): void => {
      sessions = withoutUser(sessions, name);
    },
  };
}
