/** Debian's resource agents and heartbeat's resource.d scripts, unpacked but not installed. */
import {makeTree} from './apt.ts';

export interface Agents {
  /** The unpacked tree. */
  readonly tree: string;
}

/** Fetches and unpacks the packages unless cached. */
export function prepareAgents(say: (line: string) => void): Agents {
  const plan = {
    label: 'agents',
    // heartbeat's IPaddr runs ifconfig to find the address.
    packages: ['resource-agents', 'heartbeat', 'net-tools'],
    recipe: [1],
    without: 'the tests take their resource agents from Debian 12',
  };
  return makeTree(plan, say, ({tree, step, fetchAlone, unpackAll}): Agents => {
    for (const name of plan.packages) step(`${name} (1 MB)`, () => fetchAlone(name));
    unpackAll();
    return {tree};
  });
}
