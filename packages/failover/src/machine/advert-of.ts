/** The advert for the current state; built for every send. */
import type {Advert, AdvertGroup} from '../advert.ts';
import {addressHash, shortHash} from '../auth.ts';
import type {EngineConfig} from '../messages.ts';
import {priorityOf} from './priority.ts';
import {assignedOf} from './roles.ts';
import type {State} from './state.ts';

export function advertOf(config: EngineConfig, state: State): Omit<Advert, 'path'> {
  const peer = state.peers.find(({alive}) => alive) ?? state.peers[0];
  const heard = (peer?.paths ?? []).reduce(
    (bits, heardAt, path) => (state.sentAt - heardAt < config.deadtime ? bits | (1 << path) : bits),
    0,
  );
  // A silent peer's last advert is echoed too, so that it learns that later ones do not arrive.
  return {
    nodeIndex: state.nodeIndex,
    ready: state.ready,
    heard,
    cluster: shortHash(config.cluster),
    node: shortHash(config.node),
    incarnation: state.incarnation,
    sequence: state.sequence,
    echoIncarnation: peer?.newest?.incarnation ?? peer?.incarnation ?? 0n,
    echoSequence: peer?.newest?.sequence ?? 0n,
    digest: BigInt(`0x${config.configDigest.slice(0, 16) || '0'}`),
    groups: state.groups.map((group): AdvertGroup => {
      // In Initialize too: addresses left by an earlier process stay on the interfaces until it is known who is Active.
      const assigned = new Set(assignedOf(group).map(({address}) => address));
      const vips = config.groups.find(({vrid}) => vrid === group.vrid)?.vips ?? [];
      return {
        vrid: group.vrid,
        role: group.role,
        priority: priorityOf(config, state, group),
        handover: group.role === 'Active' && group.handoverUntil !== undefined,
        claim: group.operatorHold,
        addresses: vips.map(({address}) => ({hash: addressHash(address), assigned: assigned.has(address)})),
      };
    }),
  };
}
