/** Settings common to both directors: preferred node and times. Computed so that both imports are equal. Pure. */
import type {Millis} from '@hactl/base';
import type {Instance} from './keepalived-instance.ts';

/** The settings of the peer's instances that the pair needs. */
export type PeerInstance = Pick<Instance, 'name' | 'id' | 'device' | 'priority' | 'state' | 'isHeld' | 'delay' | 'advert' | 'missed' | 'isThird'>; // prettier-ignore

/** Assumed priority of a backup if the peer's is unknown: keepalived's default. */
const USUAL = 100;

export interface Preference {
  readonly isOurs: boolean;
  /** The reason, for the report. */
  readonly reason: string;
  /** State and priority contradict each other, and the peer's file is unknown. */
  readonly isDoubtful: boolean;
}

export const peerOf = (
  instance: Instance,
  peers: readonly PeerInstance[] | undefined,
): PeerInstance | undefined =>
  peers?.find(({name}) => name === instance.name) ??
  peers?.find(({id, device}) => id !== 0 && id === instance.id && device === instance.device) ??
  peers?.find(({id}) => id !== 0 && id === instance.id);

/** The preferred node, by priority as in keepalived: the state is only the first state. */
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

/** VRRP's master down interval for the lower priority of the two: equal in both imports. */
export function downInterval(instance: Instance, peer: PeerInstance | undefined): Millis {
  const priority = peer ? Math.min(instance.priority, peer.priority) : USUAL;
  const advert = Math.max(instance.advert, peer?.advert ?? 0);
  const skew = ((256 - priority) / 256) * (instance.isThird ? advert : 1_000);
  // The engine requires more than two advert intervals.
  return Math.max(Math.ceil(instance.missed * advert + skew), 2 * advert + 1);
}
