/** What the two directors have in common: who is preferred, and the times. Computed so that both imports are equal. Pure. */
import type {Millis} from '@hactl/base';
import type {Instance} from './keepalived-instance.ts';

/** What is known of the peer's instances. */
export type PeerInstance = Pick<Instance, 'name' | 'id' | 'device' | 'priority' | 'state' | 'isHeld' | 'delay' | 'advert' | 'missed' | 'isThird'>; // prettier-ignore

/** The priority of a backup where the peer's is not known; keepalived's default. */
const USUAL = 100;

export interface Preference {
  readonly isOurs: boolean;
  /** Why, in words. */
  readonly reason: string;
  /** State and priority do not say the same, and the peer's file is not known. */
  readonly isDoubtful: boolean;
}

export const peerOf = (
  instance: Instance,
  peers: readonly PeerInstance[] | undefined,
): PeerInstance | undefined =>
  peers?.find(({name}) => name === instance.name) ??
  peers?.find(({id, device}) => id !== 0 && id === instance.id && device === instance.device) ??
  peers?.find(({id}) => id !== 0 && id === instance.id);

/** keepalived elects by priority; the state is only the first state. */
export function preferenceOf(
  item: Instance,
  all: readonly Instance[],
  peers: readonly PeerInstance[] | undefined,
): Preference {
  const {priority, state} = item;
  const peer = peerOf(item, peers);
  if (peer) {
    const isOurs = priority === peer.priority ? state === 'MASTER' : priority > peer.priority;
    return {isOurs, reason: `priority ${priority} here, ${peer.priority} at the peer`, isDoubtful: false};
  }
  const priorities = all.map((instance) => instance.priority);
  const [least, most] = [Math.min(...priorities), Math.max(...priorities)];
  if (least !== most && all.some((instance) => instance.state !== 'MASTER')) {
    const middle = (least + most) / 2;
    const isOurs = priority === middle ? state === 'MASTER' : priority > middle;
    return {isOurs, reason: `priority ${priority} among ${least} to ${most} of this file`, isDoubtful: false};
  }
  const isOurs = state === 'MASTER' || priority > USUAL;
  return {
    isOurs,
    reason: `state ${state}, priority ${priority}`,
    isDoubtful: state === 'MASTER' ? priority < USUAL : priority > USUAL,
  };
}

/** VRRP's master down interval for the lower priority of the two, the same whoever imports. */
export function downInterval(instance: Instance, peer: PeerInstance | undefined): Millis {
  const priority = peer ? Math.min(instance.priority, peer.priority) : USUAL;
  const advert = Math.max(instance.advert, peer?.advert ?? 0);
  const skew = ((256 - priority) / 256) * (instance.isThird ? advert : 1_000);
  // The engine wants more than two missed adverts.
  return Math.max(Math.ceil(instance.missed * advert + skew), 2 * advert + 1);
}
