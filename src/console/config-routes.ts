/** The configuration: viewed in forms, edited, checked, applied to both directors or to neither, watched, rolled back. */
import type {FastifyInstance} from 'fastify';
import type {Clock} from '@hactl/base';
import {LOAD_LIMIT_MS} from '../system/limits.ts';
import {makeConfigChanges} from './config-changes.ts';
import {applyBody, planBody} from './config-schemas.ts';
import type {Daemon} from './daemon.ts';
import {viewOf} from './edits.ts';
import type {LiveSource} from './live.ts';
import {declare, object} from './route.ts';

export function configRoutes(app: FastifyInstance, daemon: Daemon, live: LiveSource, clock: Clock): void {
  const changes = makeConfigChanges(daemon, live, clock);
  declare(app, {
    method: 'GET',
    url: '/api/config',
    role: 'viewer',
    summary: 'Services, settings of the pair and haresources, verbatim, with secrets hidden.',
    work: async (request) =>
      viewOf(
        (await daemon.command({command: 'config-read'}, LOAD_LIMIT_MS)).files,
        request.session?.role === 'admin',
      ),
  });
  declare(app, {
    method: 'GET',
    url: '/api/config/files',
    role: 'admin',
    summary: 'The files on disk, except authkeys.',
    work: () => daemon.command({command: 'config-read'}, LOAD_LIMIT_MS),
  });
  declare(app, {
    method: 'POST',
    url: '/api/config/plan',
    role: 'admin',
    summary: 'Dry run: the changes that the edits make and their effect on the running pair.',
    body: planBody,
    bodyLimit: 2 << 20,
    work: changes.plan,
  });
  declare(app, {
    method: 'POST',
    url: '/api/config/apply',
    role: 'admin',
    summary: 'Applies the edits to both directors or to neither, and watches the pair for a minute.',
    body: applyBody,
    bodyLimit: 2 << 20,
    work: changes.apply,
  });
  declare(app, {
    method: 'GET',
    url: '/api/config/watch',
    role: 'viewer',
    summary: 'Whether an applied change is still being watched, or was rolled back, and why.',
    work: changes.watched,
  });
  declare(app, {
    method: 'POST',
    url: '/api/config/confirm',
    role: 'admin',
    summary: 'Confirms the applied change: it will not be rolled back.',
    work: () => {
      changes.confirm();
      return {ok: true};
    },
  });
  declare(app, {
    method: 'GET',
    url: '/api/config/versions',
    role: 'viewer',
    summary: 'The versions most recently in use.',
    work: () => daemon.command({command: 'config-history'}, LOAD_LIMIT_MS),
  });
  const number = {type: 'integer', minimum: 1};
  declare(app, {
    method: 'GET',
    url: '/api/config/diff',
    role: 'viewer',
    summary: 'Compares version a (default: in use) with version b (default: on disk), secrets hidden.',
    query: object({a: number, b: number}, []),
    work: ({query}) => {
      const {a, b} = query as {a?: number; b?: number};
      return daemon.command(
        {command: 'config-diff', ...(a === undefined ? {} : {a}), ...(b === undefined ? {} : {b})},
        LOAD_LIMIT_MS,
      );
    },
  });
  declare(app, {
    method: 'POST',
    url: '/api/config/rollback',
    role: 'admin',
    summary: 'Restores a version on both directors.',
    body: object({version: number}),
    work: ({body}) => changes.rollback((body as {version: number}).version),
  });
}
