/** Preconditions of a drill: it tests a single failure, so the pair must be fully redundant before. Pure. */
import type {StatusSnapshot} from '../control/protocol.ts';

/** Reasons against a drill; empty: the pair is healthy. */
export function unhealthy(snapshot: StatusSnapshot): string[] {
  const {engine} = snapshot;
  if (!engine) return ['this director has no ha.cf: there is no peer to drill with'];
  const reasons: string[] = [];
  if (!snapshot.ready.ready) reasons.push(`this director could not take over: ${snapshot.ready.reason}`);
  for (const peer of engine.peers)
    if (peer.state !== 'up') reasons.push(`the peer ${peer.name} is ${peer.state}`);
    else if (peer.ready === false) reasons.push(`the peer ${peer.name} could not take over`);
  if (engine.peers.length === 0) reasons.push('no peer is configured');
  for (const group of engine.groups)
    if (group.role === 'Initialize') reasons.push(`group ${group.name} has no role yet`);
  for (const {name, state} of snapshot.processes)
    if (state !== 'running') reasons.push(`the process ${name} is ${state}`);
  if (snapshot.configProblem !== undefined) reasons.push(`configuration: ${snapshot.configProblem}`);
  if (snapshot.configDifference !== undefined)
    reasons.push(`${snapshot.configDifference.peer} has another configuration`);
  return reasons;
}
