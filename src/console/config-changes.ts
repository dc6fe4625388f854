/** A configuration change: applied to both directors or to neither, watched, and rolled back if health is lost. */
import type {FastifyRequest} from 'fastify';
import type {Clock} from '@hactl/base';
import type {WriteOutcome} from '../control/answers.ts';
import {CONFIG_LIMIT_MS, LOAD_LIMIT_MS, PUSH_LIMIT_MS} from '../system/limits.ts';
import {healthOf, step, type Watch, type WatchEvent} from './confirm.ts';
import {ControlError, type Daemon} from './daemon.ts';
import {applyAll, HIDDEN, type FileEdit} from './edits.ts';
import type {LiveSource} from './live.ts';
import {ApiError} from './route.ts';

const editsOf = ({body}: FastifyRequest): readonly FileEdit[] => {
  const {edits} = body as {edits: readonly FileEdit[]};
  // The form shows a secret as dots; dots sent back leave it unchanged.
  return edits.filter(
    (edit) => !(edit.kind === 'service' && edit.edit.type === 'set' && edit.edit.value === HIDDEN),
  );
};

/** Requests whose outcome is kept for a browser that sends them again. */
const REMEMBERED = 20;

/** The outcome of a change on both directors. */
interface Applied extends WriteOutcome {
  readonly peer?: string;
}

/** The answer of /api/config/watch. */
interface WatchReport {
  readonly watching: boolean;
  /** Age of the change in milliseconds. */
  readonly since?: number;
  readonly rolledBack?: {readonly version: number; readonly reason: string; readonly wall: number};
}

export interface ConfigChanges {
  readonly plan: (request: FastifyRequest) => Promise<WriteOutcome>;
  readonly apply: (request: FastifyRequest) => Promise<Applied>;
  readonly rollback: (version: number) => Promise<Applied>;
  /** Keeps the applied change. */
  readonly confirm: () => void;
  readonly watched: () => WatchReport;
}

export function makeConfigChanges(daemon: Daemon, live: LiveSource, clock: Clock): ConfigChanges {
  let watch: Watch = {name: 'idle'};
  let rolledBack: WatchReport['rolledBack'];

  /** Drives the state machine of confirm.ts. */
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

  /** An unreachable peer has applied nothing, like one that refuses. */
  async function push(): Promise<{readonly ok: boolean; readonly text: string}> {
    try {
      return await daemon.command({command: 'push', dryRun: false, keys: false}, PUSH_LIMIT_MS);
    } catch (error) {
      if (!(error instanceof ControlError)) throw error;
      return {ok: false, text: error.message};
    }
  }

  async function rollback(version: number): Promise<Applied> {
    const outcome = await daemon.command({command: 'config-rollback', version}, CONFIG_LIMIT_MS);
    if (!outcome.ok || !hasPeer()) return {...outcome, rows: []};
    const {text} = await push();
    return {...outcome, rows: [], peer: text};
  }

  const write = async (request: FastifyRequest, dryRun: boolean): Promise<WriteOutcome> => {
    const {files} = await daemon.command({command: 'config-read'}, LOAD_LIMIT_MS);
    const edited = applyAll(files, editsOf(request));
    if (!edited.ok) throw new ApiError(409, 'edit', edited.fault);
    if (edited.value.length === 0) return {ok: true, text: 'nothing changes', rows: [], diagnostics: []};
    const who = `${request.session?.user ?? ''} (console)`;
    return daemon.command({command: 'config-write', dryRun, files: edited.value, who}, CONFIG_LIMIT_MS);
  };

  /** Applies the change to both directors or to neither. */
  async function apply(request: FastifyRequest): Promise<Applied> {
    const before = live.now();
    const {versions} = await daemon.command({command: 'config-history'}, LOAD_LIMIT_MS);
    const previous = versions.find(({inUse}) => inUse)?.number;
    const outcome = await write(request, false);
    if (!outcome.ok || outcome.text === 'nothing changes') return outcome;
    if (hasPeer()) {
      const pushed = await push();
      if (!pushed.ok) {
        if (previous !== undefined)
          await daemon.command({command: 'config-rollback', version: previous}, CONFIG_LIMIT_MS);
        return {...outcome, ok: false, text: `${pushed.text}; reverted here too`, peer: pushed.text};
      }
      Object.assign(outcome, {peer: pushed.text});
    }
    rolledBack = undefined;
    if (before.ok && previous !== undefined)
      feed({type: 'applied', previousVersion: previous, before: healthOf(before.status)});
    return outcome;
  }

  const applied = new Map<string, Promise<Applied>>();
  /** A browser sends a request again whose connection broke before the answer: the change is made once. */
  function applyOnce(request: FastifyRequest): Promise<Applied> {
    const {id} = request.body as {id?: string};
    if (id === undefined) return apply(request);
    const key = `${request.session?.user ?? ''} ${id}`;
    const earlier = applied.get(key);
    if (earlier) return earlier;
    const outcome = apply(request);
    applied.set(key, outcome);
    const [oldest] = applied.keys();
    if (applied.size > REMEMBERED && oldest !== undefined) applied.delete(oldest);
    return outcome;
  }

  return {
    plan: (request) => write(request, true),
    apply: applyOnce,
    rollback,
    confirm: () => feed({type: 'confirmed'}),
    watched: () => ({
      watching: watch.name === 'watching',
      ...(watch.name === 'watching' ? {since: clock.now() - watch.since} : {}),
      ...(rolledBack ? {rolledBack} : {}),
    }),
  };
}
