/** Compares the status with the kernel's state. Pure. */
import type {StatusSnapshot} from '../../src/control/protocol.ts';

/** All contradictions between a status, the VIP's presence in the kernel, and the peer's liveness. */
export function parseStatusTruth(
  said: StatusSnapshot | undefined,
  held: boolean,
  peerLives: boolean,
): string[] {
  if (!said) return ['no answer'];
  if (!said.engine) return ['no report from the engine'];
  const lies: string[] = [];
  for (const group of said.engine.groups) {
    const claims = group.vips.some((vip) => vip.held);
    if (claims !== held)
      lies.push(`says the VIP is ${claims ? '' : 'not '}held, the kernel ${held ? 'has' : 'has not'} it`);
    if ((group.role === 'Active') !== held)
      lies.push(`says ${group.role} while the kernel ${held ? 'has' : 'has not'} the VIP`);
  }
  for (const peer of said.engine.peers) {
    const up = peer.state === 'up' || peer.state === 'late';
    if (up !== peerLives)
      lies.push(`says ${peer.name} is ${peer.state} while it ${peerLives ? 'lives' : 'is dead'}`);
  }
  return lies;
}
