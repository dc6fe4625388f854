/** What a reload would change, in words; and what cannot be changed while running. Pure. */
import type {Loaded} from './supervisor.ts';
import {virtualName} from './services.ts';

const differs = (one: unknown, other: unknown): boolean => JSON.stringify(one) !== JSON.stringify(other);

/** Spans differ when a line was only moved: they are no change. */
const withoutSpans = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (key, inner: unknown) => (key === 'span' ? undefined : inner)));

/** Settings of a file of ldirectord that no virtual of it holds. */
const ofFile = ['autoReload', 'readdQuiescent', 'callback', 'logFile', 'execute', 'maintenanceDir'] as const;

/** The differences between the running and the new configuration. */
export function describeChanges(
  running: Loaded,
  next: Loaded,
): {readonly changes: readonly string[]; readonly refused?: string} {
  const changes: string[] = [];
  if ((running.engine === undefined) !== (next.engine === undefined))
    return {changes, refused: 'ha.cf came or went: a pair and a single director need a restart of hactld'};
  if (running.engine && next.engine && differs(running.engine.nodes, next.engine.nodes))
    return {changes, refused: 'the nodes of ha.cf changed: this needs a restart of hactld'};
  const virtuals = (loaded: Loaded) =>
    new Map(loaded.cluster.ldirectord.flatMap((file) => file.virtuals).map((one) => [virtualName(one), one]));
  const [before, after] = [virtuals(running), virtuals(next)];
  for (const [name, virtual] of after) {
    const old = before.get(name);
    if (!old) changes.push(`virtual ${name} added`);
    else if (differs(withoutSpans(old), withoutSpans(virtual))) changes.push(`virtual ${name} changed`);
  }
  for (const name of before.keys()) if (!after.has(name)) changes.push(`virtual ${name} removed`);
  for (const file of next.cluster.ldirectord) {
    const old = running.cluster.ldirectord.find((one) => one.path === file.path);
    if (!old) changes.push(`${file.path} added`);
    else
      for (const key of ofFile)
        if (differs(old[key], file[key])) changes.push(`${file.path}: ${key} changed`);
  }
  for (const {path} of running.cluster.ldirectord)
    if (!next.cluster.ldirectord.some((file) => file.path === path)) changes.push(`${path} removed`);
  // Who runs beside the addresses, and how, is not the engine's business.
  const beside = ({cluster: {ha, haresources}}: Loaded) => ({
    resources: haresources.groups,
    hactl_resource: ha?.hactl.resources ?? [],
    respawn: ha?.respawns ?? [],
  });
  const [old, now] = [beside(running), beside(next)];
  for (const key of ['resources', 'hactl_resource', 'respawn'] as const)
    if (differs(withoutSpans(old[key]), withoutSpans(now[key]))) changes.push(`${key} changed`);
  for (const key of Object.keys(next.engine ?? {}) as (keyof NonNullable<Loaded['engine']>)[])
    if (key !== 'configDigest' && differs(running.engine?.[key], next.engine?.[key]))
      changes.push(key === 'keys' ? 'keys changed' : `${key} changed`);
  return {changes};
}
