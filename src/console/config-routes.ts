/** The configuration: as forms show it, edited, judged, applied to both directors or neither, watched, and rolled back. */
import type {FastifyInstance} from 'fastify';
import type {Clock} from '@hactl/base';
import {LOAD_LIMIT_MS} from '../system/limits.ts';
import {makeConfigChanges} from './config-changes.ts';
import {editsBody} from './config-schemas.ts';
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
    summary: 'Services, settings of the pair and haresources as written, secrets hidden.',
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
    summary: 'The files as they stand on the disk, authkeys not among them.',
    work: () => daemon.command({command: 'config-read'}, LOAD_LIMIT_MS),
  });
  declare(app, {
    method: 'POST',
    url: '/api/config/plan',
    role: 'admin',
    summary: 'What the edits would change, and what that does to the running pair. Changes nothing.',
    body: editsBody,
    bodyLimit: 2 << 20,
    work: changes.plan,
  });
  declare(app, {
    method: 'POST',
    url: '/api/config/apply',
    role: 'admin',
    summary: 'Applies the edits on both directors, or on neither, and watches the pair for a minute.',
    body: editsBody,
    bodyLimit: 2 << 20,
    work: changes.apply,
  });
  declare(app, {
    method: 'GET',
    url: '/api/config/watch',
    role: 'viewer',
    summary: 'Is an applied change still watched; was one rolled back, and why.',
    work: changes.watched,
  });
  declare(app, {
    method: 'POST',
    url: '/api/config/confirm',
    role: 'admin',
    summary: 'Keeps the applied change: it is not rolled back any more.',
    work: () => {
      changes.confirm();
      return {ok: true};
    },
  });
  declare(app, {
    method: 'GET',
    url: '/api/config/versions',
    role: 'viewer',
    summary: 'The last versions that were in use.',
    work: () => daemon.command({command: 'config-history'}, LOAD_LIMIT_MS),
  });
  const number = {type: 'integer', minimum: 1};
  declare(app, {
    method: 'GET',
    url: '/api/config/diff',
    role: 'viewer',
    summary: 'Version a (the one in use) against version b (the disk), secrets hidden.',
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
    summary: 'Writes a version back, on both directors.',
    body: object({version: number}),
    work: ({body}) => changes.rollback((body as {version: number}).version),
  });
}
