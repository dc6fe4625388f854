/** Does the status say what the kernel shows? Pure. */
import type {StatusSnapshot} from '../control/protocol.ts';

/** Every contradiction between a status and whether the kernel has the VIP. */
export function parseStatusTruth(said: StatusSnapshot | undefined, held: boolean): string[] {
  if (!said) return ['no answer'];
  if (!said.engine) return ['no word from the engine'];
  const lies: string[] = [];
  for (const group of said.engine.groups) {
    const claims = group.vips.some((vip) => vip.held);
    if (claims !== held)
      lies.push(`says the VIP is ${claims ? '' : 'not '}held, the kernel ${held ? 'has' : 'has not'} it`);
    if ((group.role === 'Active') !== held)
      lies.push(`says ${group.role} while the kernel ${held ? 'has' : 'has not'} the VIP`);
  }
  return lies;
}
