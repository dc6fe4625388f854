/**
 * Runs the resources of all groups: a group starts left to right and stops right to left, one thing after another. What
 * does not run here is reported to the failover engine.
 */
import {readFileSync, rmSync} from 'node:fs';
import type {Clock, Instant} from '@hactl/base';
import {replaceFile} from '@hactl/base/files';
import {groupIds, hideArguments, type Resource, type ResourceGroup, type ResourceRule} from '@hactl/config';
import type {Log} from '../system/log.ts';
import type {Agent} from './resource-agents.ts';
import type {Outcome} from './resource-machine.ts';
import {holdOffAfter, resourceName, settingsOf, type SupervisedSettings} from './resource-settings.ts';
import {makeUnit, type ResourceReport, type Unit} from './resource-unit.ts';
import {coldAfterAddress, coldBeforeAddress, resourceKind} from './resources.ts';

export interface KeeperOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Remembers over a crash of ours what was started; below /run, so that it does not outlive the machine. */
  readonly memory: string;
  agent(resource: Resource): Agent | string;
  /** What the rules say of a resource, unless told otherwise. */
  readonly settings?: (resource: Resource, rules: readonly ResourceRule[]) => SupervisedSettings;
  /** Is the group held by this director now. */
  active(vrid: number): boolean;
  /** A resource does not run here: the group should go, and not come back before the hold-off is over. */
  giveUp(vrid: number, reason: string, holdOff: number): void;
  /** A resource cannot be stopped although the group went to the peer. */
  stuck(reason: string): void;
}

export type GroupAction = 'start' | 'start-late' | 'stop';

export interface GroupOutcome {
  readonly ok: boolean;
  readonly reason: string;
}

/** Failures of a group in a row. */
interface Failures {
  readonly count: number;
  readonly at: Instant;
  readonly holdOff: number;
}

const RETRY_LEAST = 1_000;

export type ResourceKeeper = ReturnType<typeof makeResourceKeeper>;

/** Nothing runs before `configure`. */
export function makeResourceKeeper(options: KeeperOptions) {
  const {clock, log, settings: settingsFor = settingsOf} = options;
  const units = new Map<string, Unit>();
  const queues = new Map<number, Promise<unknown>>();
  const failures = new Map<number, Failures>();
  const retries = new Map<number, NodeJS.Timeout>();
  const inherited = new Set(remembered());
  let closing = false;

  function remembered(): string[] {
    try {
      return JSON.parse(readFileSync(options.memory, 'utf8')) as string[];
    } catch {
      return [];
    }
  }
  function remember(): void {
    const keys = [...units].flatMap(([key, unit]) => (unit.idle && !unit.unseen ? [] : [key]));
    try {
      if (keys.length > 0) replaceFile(options.memory, JSON.stringify(keys), 0o600);
      else rmSync(options.memory, {force: true});
    } catch (error) {
      log('warn', `cannot write ${options.memory}: ${String(error)}`);
    }
  }

  const ofGroup = (vrid: number): Unit[] => {
    const place = ({placed: {group, resource}}: Unit): number => group.resources.indexOf(resource);
    return [...units.values()]
      .filter((unit) => unit.placed.vrid === vrid)
      .toSorted((unit, other) => place(unit) - place(other));
  };

  /** One thing after another in a group. */
  function queued<Result>(vrid: number, work: () => Promise<Result>): Promise<Result> {
    const result = (queues.get(vrid) ?? Promise.resolve()).then(work);
    queues.set(
      vrid,
      result.catch(() => undefined),
    );
    return result;
  }

  /** The group should run elsewhere; while it stays here it is retried after the hold-off. */
  function fail(unit: Unit, reason: string): void {
    if (closing) return;
    const {vrid, settings} = unit.placed;
    const now = clock.now();
    const last = failures.get(vrid);
    const inARow = last !== undefined && now - last.at < 3 * last.holdOff;
    const count = inARow ? last.count + 1 : 1;
    const holdOff = holdOffAfter(settings.holdOff, count);
    failures.set(vrid, {count, at: now, holdOff});
    unit.blame(reason);
    const told = `resource ${hideArguments(unit.name)}: ${reason}`;
    log('error', told);
    options.giveUp(vrid, told, holdOff);
    clearTimeout(retries.get(vrid));
    retries.set(
      vrid,
      setTimeout(() => void retry(vrid), Math.max(RETRY_LEAST, holdOff)),
    );
  }

  async function retry(vrid: number): Promise<void> {
    if (closing) return;
    const wanted = ofGroup(vrid).filter((unit) => !unit.held);
    for (const unit of wanted) if (unit.placed.settings.warm) startWarm(unit);
    if (!options.active(vrid)) return;
    if ((await queued(vrid, () => start(wanted, 'start'))).ok)
      await queued(vrid, () => start(wanted, 'start-late'));
  }

  async function start(some: readonly Unit[], action: 'start' | 'start-late'): Promise<GroupOutcome> {
    const [group] = some.map(({placed}) => placed.group);
    if (!group || closing) return {ok: !closing, reason: 'no resources to start'};
    const isWarm = (resource: Resource): boolean =>
      some.some(({placed}) => placed.resource === resource && placed.settings.warm);
    const order = (action === 'start' ? coldBeforeAddress : coldAfterAddress)(group, isWarm);
    const started: Unit[] = [];
    for (const unit of some.filter(({placed}) => order.includes(placed.resource))) {
      unit.hold(false);
      // oxlint-disable-next-line no-await-in-loop -- the order of haresources is a promise.
      const outcome = await unit.ask('start');
      if (outcome.ok) {
        started.push(unit);
        continue;
      }
      fail(unit, outcome.reason);
      // In front of the address nothing serves yet: what was begun is undone. Behind it the rest goes on serving.
      // oxlint-disable-next-line no-await-in-loop -- the last of the loop.
      await stop(action === 'start' ? [...started, unit] : [unit], false);
      return {ok: false, reason: `${unit.name}: ${outcome.reason}`};
    }
    return {ok: true, reason: `${started.length} resources run`};
  }

  async function stop(some: readonly Unit[], released: boolean): Promise<GroupOutcome> {
    const left: string[] = [];
    for (const unit of some.toReversed()) {
      // oxlint-disable-next-line no-await-in-loop -- right to left, one after another.
      const outcome = await unit.ask('stop');
      if (outcome.ok) continue;
      const told = `resource ${hideArguments(unit.name)} cannot be stopped: ${outcome.reason}`;
      left.push(told);
      log('error', `${told}. It may run on both directors now: stop it by hand`);
      if (released) options.stuck(told);
    }
    return left.length === 0 ? {ok: true, reason: 'stopped'} : {ok: false, reason: left.join('; ')};
  }

  const isCold = (unit: Unit): boolean => !unit.placed.settings.warm;

  function startWarm(unit: Unit): void {
    if (unit.held || unit.running) return;
    void unit.ask('start').then((outcome) => {
      // A stop that overtook it is no failure.
      if (!outcome.ok && unit.failed) fail(unit, outcome.reason);
    });
  }

  /** Applies groups and rules; what is in both keeps its state. */
  function configure(groups: readonly ResourceGroup[], rules: readonly ResourceRule[]): void {
    const kept = new Set<string>();
    const grown = new Set<number>();
    const ids = groupIds(groups);
    for (const [index, group] of groups.entries())
      for (const resource of group.resources) {
        const vrid = ids[index] ?? 0;
        if (resourceKind(resource) !== 'script') continue;
        const key = `${group.name} ${resourceName(resource)}`;
        const placed = {group, vrid, resource, settings: settingsFor(resource, rules)};
        const known = units.get(key);
        kept.add(key);
        if (known) known.place(placed);
        else {
          const unit: Unit = makeUnit(placed, {
            clock,
            log,
            inherited: inherited.has(key),
            agent: (of) => options.agent(of),
            lost: (reason) => fail(unit, reason),
            changed: remember,
          });
          units.set(key, unit);
          grown.add(vrid);
        }
      }
    for (const [key, unit] of units)
      if (!kept.has(key)) {
        units.delete(key);
        if (!unit.idle) void unit.ask('stop').then(remember);
      }
    for (const unit of units.values()) if (!isCold(unit)) startWarm(unit);
    for (const vrid of grown) if (options.active(vrid)) void retry(vrid);
  }

  function find(name: string): Unit {
    const found = [...units.values()].find((unit) => unit.name === name);
    if (!found) throw new Error(`no resource ${name}`);
    return found;
  }

  return {
    configure,
    /** Starts what stands before the addresses (`start`) or behind them (`start-late`), or stops all but warm ones. */
    run: (vrid: number, action: GroupAction): Promise<GroupOutcome> =>
      queued(vrid, () =>
        action === 'stop' ? stop(ofGroup(vrid).filter(isCold), true) : start(ofGroup(vrid), action),
      ),
    list: (): ResourceReport[] => [...units.values()].map((unit) => unit.report()),
    /** Asks the resource itself, now. */
    status: (name: string): Promise<Outcome> => find(name).status(),
    /** Warm ones run anywhere, the others where their group is. */
    mayStart: (name: string): boolean => !isCold(find(name)) || options.active(find(name).placed.vrid),
    /** An operator's command. A resource stopped this way stays stopped until its group starts again. */
    operate: (name: string, request: 'start' | 'stop'): Promise<Outcome> =>
      queued(find(name).placed.vrid, async () => {
        const unit = find(name);
        unit.hold(false);
        const outcome = await unit.ask(request);
        unit.hold(request === 'stop' && outcome.ok);
        return outcome;
      }),
    /** Stops all that runs, warm ones too. */
    stop: async (): Promise<void> => {
      closing = true;
      for (const timer of retries.values()) clearTimeout(timer);
      const vrids = new Set([...units.values()].map((unit) => unit.placed.vrid));
      const stopGroup = (vrid: number): Promise<GroupOutcome> =>
        queued(vrid, () =>
          stop(
            ofGroup(vrid).filter((unit) => !unit.idle || unit.unseen),
            false,
          ),
        );
      await Promise.all([...vrids].map(stopGroup));
      for (const unit of units.values()) unit.end();
    },
  };
}
