/** The configuration: as forms show it, edited, judged, applied to both directors or neither, watched, and rolled back. */
import type {FastifyInstance, FastifyRequest} from 'fastify';
import type {Clock} from '@hactl/base';
import type {WriteOutcome} from '../control/answers.ts';
import {healthOf, step, type Watch, type WatchEvent} from './confirm.ts';
import type {Daemon} from './daemon.ts';
import {applyAll, HIDDEN, viewOf, type FileEdit} from './edits.ts';
import type {LiveSource} from './live.ts';
import {ApiError, declare, object} from './route.ts';
import {CONFIG_LIMIT_MS, LOAD_LIMIT_MS, PUSH_LIMIT_MS} from '../system/limits.ts';

const line = {type: 'string', maxLength: 4_096};
const name = {type: 'string', minLength: 1, maxLength: 255};
const setting = object({name, value: line});
const edit = (type: string, properties: Readonly<Record<string, object>>, optional: readonly string[] = []) =>
  object(
    {type: {type: 'string', const: type}, ...properties},
    ['type', ...Object.keys(properties)].filter((key) => !optional.includes(key)),
  );
const serviceEdit = {
  oneOf: [
    edit('set-global', {name, value: line}, ['value']),
    edit('set', {virtual: name, name, value: line}, ['value']),
    edit('rename', {virtual: name, to: name}),
    edit('add-virtual', {virtual: name, lines: {type: 'array', maxItems: 500, items: setting}}),
    edit('remove-virtual', {virtual: name}),
    edit('switch', {virtual: name, on: {type: 'boolean'}}),
    edit('add-real', {virtual: name, real: line}),
    edit('set-real', {virtual: name, real: line, to: line}),
    edit('remove-real', {virtual: name, real: line}),
  ],
};
const editsBody = object({
  edits: {
    type: 'array',
    minItems: 1,
    maxItems: 200,
    items: {
      oneOf: [
        object({kind: {type: 'string', const: 'service'}, file: name, edit: serviceEdit}),
        object({kind: {type: 'string', const: 'ha'}, name, value: line}, ['kind', 'name']),
        object({kind: {type: 'string', const: 'resource'}, node: name, word: line}),
        object({
          kind: {type: 'string', const: 'text'},
          file: name,
          text: {type: 'string', maxLength: 1 << 20},
        }),
      ],
    },
  },
});

const editsOf = ({body}: FastifyRequest): readonly FileEdit[] => {
  const {edits} = body as {edits: readonly FileEdit[]};
  // The form shows a secret as dots; dots that come back leave it as it is.
  return edits.filter(
    (edit) => !(edit.kind === 'service' && edit.edit.type === 'set' && edit.edit.value === HIDDEN),
  );
};

/** What became of a change, on both directors. */
interface Applied extends WriteOutcome {
  readonly peer?: string;
}

export function configRoutes(app: FastifyInstance, daemon: Daemon, live: LiveSource, clock: Clock): void {
  let watch: Watch = {name: 'idle'};
  let rolledBack: {readonly version: number; readonly reason: string; readonly wall: number} | undefined;

  /** Carries the machine of confirm.ts out. */
  function feed(event: WatchEvent): void {
    const [next, effects] = step(watch, event, clock.now());
    watch = next;
    for (const {version, reason} of effects) {
      rolledBack = {version, reason, wall: clock.wall()};
      void rollback(version).catch(() => undefined);
    }
  }
  live.follow((now) => feed(now.ok ? {type: 'status', health: healthOf(now.status)} : {type: 'unreachable'}));

  const hasPeer = (): boolean => {
    const now = live.now();
    return now.ok && (now.status.engine?.peers.length ?? 0) > 0;
  };

  async function rollback(version: number): Promise<Applied> {
    const outcome = await daemon.command({command: 'config-rollback', version}, CONFIG_LIMIT_MS);
    if (!outcome.ok || !hasPeer()) return {...outcome, rows: []};
    const pushed = await daemon.command({command: 'push', dryRun: false, keys: false}, PUSH_LIMIT_MS);
    return {...outcome, rows: [], peer: pushed.text};
  }

  const write = async (request: FastifyRequest, dryRun: boolean): Promise<WriteOutcome> => {
    const {files} = await daemon.command({command: 'config-read'}, LOAD_LIMIT_MS);
    const edited = applyAll(files, editsOf(request));
    if (!edited.ok) throw new ApiError(409, 'edit', edited.fault);
    if (edited.value.length === 0) return {ok: true, text: 'nothing changes', rows: [], diagnostics: []};
    const who = `${request.session?.user ?? ''} (console)`;
    return daemon.command({command: 'config-write', dryRun, files: edited.value, who}, CONFIG_LIMIT_MS);
  };

  /** Both directors apply it, or neither. */
  async function apply(request: FastifyRequest): Promise<Applied> {
    const before = live.now();
    const {versions} = await daemon.command({command: 'config-history'}, LOAD_LIMIT_MS);
    const previous = versions.find(({inUse}) => inUse)?.number;
    const outcome = await write(request, false);
    if (!outcome.ok || outcome.text === 'nothing changes') return outcome;
    if (hasPeer()) {
      const pushed = await daemon.command({command: 'push', dryRun: false, keys: false}, PUSH_LIMIT_MS);
      if (!pushed.ok) {
        if (previous !== undefined)
          await daemon.command({command: 'config-rollback', version: previous}, CONFIG_LIMIT_MS);
        return {...outcome, ok: false, text: `${pushed.text}; taken back here too`, peer: pushed.text};
      }
      Object.assign(outcome, {peer: pushed.text});
    }
    rolledBack = undefined;
    if (before.ok && previous !== undefined)
      feed({type: 'applied', previousVersion: previous, before: healthOf(before.status)});
    return outcome;
  }

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
    work: (request) => write(request, true),
  });
  declare(app, {
    method: 'POST',
    url: '/api/config/apply',
    role: 'admin',
    summary: 'Applies the edits on both directors, or on neither, and watches the pair for a minute.',
    body: editsBody,
    bodyLimit: 2 << 20,
    work: apply,
  });
  declare(app, {
    method: 'GET',
    url: '/api/config/watch',
    role: 'viewer',
    summary: 'Is an applied change still watched; was one rolled back, and why.',
    work: () => ({
      watching: watch.name === 'watching',
      ...(watch.name === 'watching' ? {since: clock.now() - watch.since} : {}),
      ...(rolledBack ? {rolledBack} : {}),
    }),
  });
  declare(app, {
    method: 'POST',
    url: '/api/config/confirm',
    role: 'admin',
    summary: 'Keeps the applied change: it is not rolled back any more.',
    work: () => {
      feed({type: 'confirmed'});
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
    work: ({body}) => rollback((body as {version: number}).version),
  });
}
