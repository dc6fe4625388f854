/** The identity of a haresources group. Pure. */
import {createHash} from 'node:crypto';
import type {ResourceGroup} from './model.ts';

/** Its first address; a group without one by its node and first resource. */
function identityOf(group: ResourceGroup): string {
  const vip = group.resources.find((resource) => resource.vip)?.vip;
  return vip ? vip.address : `${group.node} ${group.name}`;
}

/**
 * A 32-bit number for each group, in order. It is derived from the group's identity, not from its line, so editing one
 * line never renames another group, and two directors with different files agree on the groups that both have. Of two
 * groups with the same identity, the second in the file gets another number.
 */
export function groupIds(groups: readonly ResourceGroup[]): number[] {
  const taken = new Set<number>();
  return groups.map((group) => {
    const identity = identityOf(group);
    for (let count = 1; ; count += 1) {
      const text = count === 1 ? identity : `${identity} #${count}`;
      const id = createHash('sha256').update(text).digest().readUInt32BE(0);
      if (id === 0 || taken.has(id)) continue;
      taken.add(id);
      return id;
    }
  });
}
