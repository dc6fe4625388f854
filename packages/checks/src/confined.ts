/**
 * The quarantine's processes and their checks: up to `quarantinesMax`, started when the first check is
 * handed over and ended with the last. A check moves between two of its probes, with its whole state.
 */
import os from 'node:os';
import type {Millis} from '@hactl/base';
import type {CheckSpec, Costs, FromShard} from './messages.ts';
import {quarantineFor, quarantinesMax, virtualOf} from './placement.ts';
import {newShard, retire, tell, type Shard, type ShardEvents} from './shard-process.ts';

/** The minimum time between two attempts to start a quarantine. */
const AGAIN_AFTER: Millis = 60_000;

type HandOver = Extract<FromShard, {type: 'handover'}>;

export interface ConfinedOptions {
  readonly events: ShardEvents;
  readonly log: (level: 'warn' | 'info', message: string) => void;
  readonly specOf: (id: string) => CheckSpec | undefined;
  /** The shard that runs the check outside quarantine. */
  readonly homeOf: (spec: CheckSpec) => Shard | undefined;
  readonly homes: () => readonly Shard[];
  readonly configureShard: (shard: Shard) => void;
}

export interface Confined {
  readonly shards: readonly Shard[];
  /** How shards treat expensive checks. */
  costsOf(shard: Shard): Costs;
  shardOf(id: string): Shard | undefined;
  /** Forgets checks that were removed. */
  configure(network: readonly CheckSpec[]): void;
  onHandOver(shard: Shard, message: HandOver): void;
  /** The quarantine cannot be started: its checks continue in their own shards. */
  giveUp(how: string): void;
}

export function makeConfined(options: ConfinedOptions): Confined {
  const {events, log, specOf, homeOf, homes, configureShard} = options;
  const shards: Shard[] = [];
  const confined = new Map<string, Shard>();
  let available = true;

  function close(shard: Shard): void {
    retire(shard);
    shards.splice(shards.indexOf(shard), 1);
  }

  /** The quarantine for a virtual service. */
  function open(virtual: string): Shard {
    const index = quarantineFor(
      virtual,
      shards.map(({specs}) => new Set(specs.map(virtualOf))),
      quarantinesMax(os.availableParallelism()),
    );
    const found = shards[index];
    if (found) return found;
    const made = newShard('quarantine process', 'quarantine', events);
    shards.push(made);
    return made;
  }

  function onHandOver(shard: Shard, {id, carried, why}: HandOver): void {
    const spec = specOf(id);
    // It has left the configuration meanwhile, or already belongs to another process.
    if (!spec || (confined.get(id) ?? homeOf(spec)) !== shard) return;
    const leaves = shard.costs === 'quarantine';
    const target = leaves ? homeOf(spec) : available ? open(virtualOf(spec)) : shard;
    if (!target) return;
    shard.specs = shard.specs.filter((other) => other.id !== id);
    target.specs = [...target.specs, spec];
    if (target.costs === 'quarantine') confined.set(id, target);
    else confined.delete(id);
    // A reload may have configured it here again after the handover.
    tell(shard, {type: 'forget', id});
    if (target.ready && target.process) tell(target, {type: 'adopt', spec, carried});
    else target.adopting.set(id, carried);
    const name = `${spec.address} port ${spec.port} of ${virtualOf(spec)}`;
    if (leaves) log('info', `${name} leaves quarantine: its checks have become cheap`);
    else if (target !== shard) log('warn', `${name} is checked in quarantine: ${why}`);
    if (leaves && shard.specs.length === 0) close(shard);
  }

  return {
    shards,
    costsOf: ({costs}) => (available ? costs : 'keep'),
    shardOf: (id) => confined.get(id),
    configure: (network) => {
      const wanted = new Map(network.map((spec) => [spec.id, spec]));
      for (const id of confined.keys()) if (!wanted.has(id)) confined.delete(id);
      for (const shard of shards.slice()) {
        shard.specs = network.filter(({id}) => confined.get(id) === shard);
        if (shard.specs.length === 0) close(shard);
        else configureShard(shard);
      }
    },
    onHandOver,
    giveUp: (how) => {
      available = false;
      log('warn', `cannot start a quarantine (${how}): expensive checks stay with the others for now`);
      for (const shard of shards.slice()) {
        close(shard);
        for (const spec of shard.specs) {
          confined.delete(spec.id);
          const home = homeOf(spec);
          if (!home) continue;
          home.specs = [...home.specs, spec];
          const carried = shard.adopting.get(spec.id);
          if (carried) home.adopting.set(spec.id, carried);
        }
      }
      for (const home of homes()) {
        tell(home, {type: 'treat', costs: 'keep'});
        configureShard(home);
      }
      setTimeout(() => {
        available = true;
        for (const home of homes()) tell(home, {type: 'treat', costs: home.costs});
      }, AGAIN_AFTER).unref();
    },
  };
}
