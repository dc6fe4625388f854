/** Limits of a reload that nobody requested. Pure. */
import {virtualName} from '@hactl/config';
import type {Loaded} from './loaded.ts';

/**
 * Why a changed file (autoreload) or a moved name must not be applied unattended: a service would lose all its servers. An
 * editor that truncates a file before writing it, or an interrupted copy, looks like this.
 */
export function unattendedRefusal(running: Loaded, next: Loaded): string | undefined {
  const services = ({cluster}: Loaded) => cluster.ldirectord.flatMap(({virtuals}) => virtuals);
  const before = services(running);
  const after = services(next);
  if (before.length > 0 && after.length === 0)
    return 'no virtual service would be left: not applied automatically (use hactl reload)';
  const byName = new Map(after.map((virtual) => [virtualName(virtual), virtual]));
  const emptied = before.find((virtual) => {
    const now = byName.get(virtualName(virtual));
    return virtual.reals.length > 0 && now?.reals.length === 0;
  });
  return emptied === undefined
    ? undefined
    : `${virtualName(emptied)} would lose all its real servers: not applied automatically (use hactl reload)`;
}
