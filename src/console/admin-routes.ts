/** Users and the audit log. */
import type {FastifyInstance} from 'fastify';
import type {Audit} from './audit.ts';
import {ApiError, declare, object} from './route.ts';
import {roles, type Role} from './sessions.ts';
import {makeUser, userProblem, type UserStore} from './users.ts';

const name = {type: 'string', minLength: 1, maxLength: 32};

export function adminRoutes(
  app: FastifyInstance,
  users: UserStore,
  audit: Audit,
  forget: (user: string) => void,
): void {
  const admins = (): string[] => users.list().flatMap((user) => (user.role === 'admin' ? [user.name] : []));
  /** At least one administrator must remain to create users. */
  const keepAdmin = (user: string): void => {
    if (admins().length === 1 && admins()[0] === user)
      throw new ApiError(409, 'last-admin', `${user} is the last administrator: create another one first`);
  };

  declare(app, {
    method: 'GET',
    url: '/api/users',
    role: 'admin',
    summary: 'Names and roles.',
    work: () => users.list().map((user) => ({name: user.name, role: user.role})),
  });

  declare(app, {
    method: 'POST',
    url: '/api/users',
    role: 'admin',
    summary: 'Creates a user, or changes the password and role of one.',
    body: object({
      name,
      role: {type: 'string', enum: roles},
      password: {type: 'string', minLength: 1, maxLength: 256},
    }),
    work: async ({body}) => {
      const wanted = body as {name: string; role: Role; password: string};
      const problem = userProblem(wanted.name, wanted.role, wanted.password);
      if (problem !== undefined) throw new ApiError(400, 'bad-user', problem);
      if (wanted.role !== 'admin') keepAdmin(wanted.name);
      users.put(await makeUser(wanted.name, wanted.role, wanted.password));
      forget(wanted.name);
      return {ok: true};
    },
  });

  declare(app, {
    method: 'DELETE',
    url: '/api/users/:name',
    role: 'admin',
    summary: 'Removes a user and ends their sessions.',
    params: object({name}),
    work: ({params}) => {
      const {name: user} = params as {name: string};
      if (!users.find(user)) throw new ApiError(404, 'no-user', `there is no user ${user}`);
      keepAdmin(user);
      users.remove(user);
      forget(user);
      return {ok: true};
    },
  });

  declare(app, {
    method: 'GET',
    url: '/api/audit',
    role: 'admin',
    summary: 'Who did what, newest first.',
    work: () => audit.newest(500),
  });
}
