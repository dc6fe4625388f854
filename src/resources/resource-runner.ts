/**
 * Runs the resources of all groups: a group starts left to right and stops right to left, one at a time. Failures are reported
 * to the failover engine.
 */
import type {Clock} from '@hactl/base';
import {groupIds, type Resource, type ResourceGroup, type ResourceRule} from '@hactl/config';
import type {Log} from '../system/log.ts';
import {makeGroupFailures} from './group-failures.ts';
import {startInOrder, stopInOrder, type GroupOutcome} from './group-sequence.ts';
import type {Agent} from './resource-agents.ts';
import type {Outcome} from './resource-machine.ts';
import {openResourceMemory} from './resource-memory.ts';
import {resourceName, settingsOf, type SupervisedSettings} from './resource-settings.ts';
import {makeUnit, type Placed, type ResourceReport, type Unit} from './resource-unit.ts';
import {resourceKind} from './resources.ts';

export interface RunnerOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Remembers across a crash what was started; below /run, so that it does not survive a reboot. */
  readonly memory: string;
  agent(resource: Resource): Agent | string;
  /** The settings of a resource, unless overridden. */
  readonly settings?: (resource: Resource, rules: readonly ResourceRule[]) => SupervisedSettings;
  /** Whether this director holds the group now. */
  active(vrid: number): boolean;
  /** A resource does not run here: move the group away, and keep it away for the hold-off. */
  readonly giveUp: (vrid: number, reason: string, holdOff: number) => void;
  /** A resource cannot be stopped although the group went to the peer. */
  readonly stuck: (reason: string) => void;
}

export type GroupAction = 'start' | 'start-late' | 'stop';

const isCold = (unit: Unit): boolean => !unit.placed.settings.warm;

/** The scripts of all groups, by a key that does not depend on the order of haresources. */
function* scriptsOf(
  groups: readonly ResourceGroup[],
  rules: readonly ResourceRule[],
  settings: (resource: Resource, rules: readonly ResourceRule[]) => SupervisedSettings,
): Generator<[string, Placed]> {
  const ids = groupIds(groups);
  for (const [index, group] of groups.entries())
    for (const resource of group.resources)
      if (resourceKind(resource) === 'script')
        yield [
          `${group.name} ${resourceName(resource)}`,
          {group, vrid: ids[index] ?? 0, resource, settings: settings(resource, rules)},
        ];
}

type Units = ReadonlyMap<string, Unit>;

/** In the order of haresources. */
function unitsOf(units: Units, vrid: number): Unit[] {
  const position = ({placed: {group, resource}}: Unit): number => group.resources.indexOf(resource);
  return [...units.values()]
    .filter((unit) => unit.placed.vrid === vrid)
    .toSorted((left, right) => position(left) - position(right));
}

function unitNamed(units: Units, name: string): Unit {
  const found = [...units.values()].find((unit) => unit.name === name);
  if (!found) throw new Error(`no resource ${name}`);
  return found;
}

/** What a crash would leave running. */
const startedKeys = (units: Units): string[] =>
  [...units].flatMap(([key, unit]) => (unit.idle && !unit.unseen ? [] : [key]));

/** Serialises operations within a group. */
function makeQueues() {
  const queues = new Map<number, Promise<unknown>>();
  return function queued<Result>(vrid: number, work: () => Promise<Result>): Promise<Result> {
    const result = (queues.get(vrid) ?? Promise.resolve()).then(work);
    queues.set(
      vrid,
      result.catch(() => undefined),
    );
    return result;
  };
}

export type ResourceRunner = ReturnType<typeof makeResourceRunner>;

/** Nothing runs before `configure`. */
export function makeResourceRunner(options: RunnerOptions) {
  const {clock, log, settings: settingsFor = settingsOf} = options;
  const units = new Map<string, Unit>();
  const queued = makeQueues();
  const memory = openResourceMemory(options.memory, log);
  const failures = makeGroupFailures({
    clock,
    log,
    giveUp: options.giveUp,
    retry: (vrid) => void retry(vrid),
  });
  let closing = false;

  const remember = (): void => memory.save(startedKeys(units));
  const ofGroup = (vrid: number): Unit[] => unitsOf(units, vrid);
  const find = (name: string): Unit => unitNamed(units, name);
  const fail = (unit: Unit, reason: string): void => {
    if (!closing) failures.fail(unit, reason);
  };
  const ports = {log, failed: fail, stuck: options.stuck};

  const start = async (some: readonly Unit[], action: 'start' | 'start-late'): Promise<GroupOutcome> =>
    closing ? {ok: false, reason: 'no resources to start'} : startInOrder(some, action, ports);

  async function retry(vrid: number): Promise<void> {
    if (closing) return;
    const wanted = ofGroup(vrid).filter((unit) => !unit.held);
    for (const unit of wanted) startWarm(unit);
    if (!options.active(vrid)) return;
    if ((await queued(vrid, () => start(wanted, 'start'))).ok)
      await queued(vrid, () => start(wanted, 'start-late'));
  }

  function startWarm(unit: Unit): void {
    if (isCold(unit) || unit.held || unit.running) return;
    void unit.ask('start').then((outcome) => {
      // Being overtaken by a stop is not a failure.
      if (!outcome.ok && unit.failed) fail(unit, outcome.reason);
    });
  }

  function addUnit(key: string, placed: Placed): void {
    const unit: Unit = makeUnit(placed, {
      clock,
      log,
      inherited: memory.inherited.has(key),
      agent: (of) => options.agent(of),
      lost: (reason) => fail(unit, reason),
      changed: remember,
    });
    units.set(key, unit);
  }

  /** Applies groups and rules; unchanged resources keep their state. */
  function configure(groups: readonly ResourceGroup[], rules: readonly ResourceRule[]): void {
    const wanted = new Map(scriptsOf(groups, rules, settingsFor));
    const grown = new Set<number>();
    for (const [key, placed] of wanted) {
      const known = units.get(key);
      if (known) known.place(placed);
      else {
        addUnit(key, placed);
        grown.add(placed.vrid);
      }
    }
    for (const [key, unit] of units)
      if (!wanted.has(key)) {
        units.delete(key);
        if (!unit.idle) void unit.ask('stop').then(remember);
      }
    for (const unit of units.values()) startWarm(unit);
    for (const vrid of grown) if (options.active(vrid)) void retry(vrid);
  }

  return {
    configure,
    /** Starts the resources before the addresses (`start`) or after them (`start-late`), or stops all but warm ones. */
    run: (vrid: number, action: GroupAction): Promise<GroupOutcome> =>
      queued(vrid, () =>
        action === 'stop'
          ? stopInOrder(ofGroup(vrid).filter(isCold), true, ports)
          : start(ofGroup(vrid), action),
      ),
    list: (): ResourceReport[] => [...units.values()].map((unit) => unit.report()),
    /** Queries the resource itself. */
    status: (name: string): Promise<Outcome> => find(name).status(),
    /** Warm resources run on both directors, others where their group is. */
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
    /** Stops all running resources, warm ones too. */
    stop: async (): Promise<void> => {
      closing = true;
      failures.close();
      const vrids = new Set([...units.values()].map((unit) => unit.placed.vrid));
      const stopGroup = (vrid: number): Promise<GroupOutcome> =>
        queued(vrid, () =>
          stopInOrder(
            ofGroup(vrid).filter((unit) => !unit.idle || unit.unseen),
            false,
            ports,
          ),
        );
      await Promise.all([...vrids].map(stopGroup));
      for (const unit of units.values()) unit.end();
    },
  };
}
