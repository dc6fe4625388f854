/**
 * Both directors share the intervals: the first to reload must not declare the other dead, or be late for it, while the other
 * still has the old ones. Pure.
 */
import type {EngineConfig, EngineStatus} from '@hactl/failover';

/** The new configuration with the more tolerant value of each interval; undefined: it can be used as it is. */
export function settlingConfig(
  running: EngineConfig | undefined,
  next: EngineConfig,
): EngineConfig | undefined {
  if (!running || (next.deadtime >= running.deadtime && next.keepalive <= running.keepalive))
    return undefined;
  return {
    ...next,
    keepalive: Math.min(running.keepalive, next.keepalive),
    deadtime: Math.max(running.deadtime, next.deadtime),
    warntime: Math.max(running.warntime, next.warntime),
    initdead: Math.max(running.initdead, next.initdead),
  };
}

/** Whether the adverts of every live peer carry this configuration's digest. */
export const peersHave = (digest: string, status: EngineStatus): boolean =>
  status.peers.every(
    ({state, configDigest}) =>
      state === 'dead' ||
      state === 'unknown' ||
      (configDigest !== undefined && configDigest !== '' && digest.startsWith(configDigest)),
  );
