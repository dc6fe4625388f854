/**
 * hactl's own ha.cf directives for connection sync: `hactl_sync`, `hactl_sync_delay`, `hactl_sync_port`, `hactl_ipvs`. Pure.
 */
import type {HaLine} from './ha-line.ts';
import type {HaConfig} from './model.ts';
import {parseTime} from './units.ts';

/** The time between two pushes of young connections, in ms. */
export const DEFAULT_SYNC_DELAY = 20;
/** Its bounds. */
const SYNC_DELAYS = {least: 5, most: 1_000} as const;
export const DEFAULT_SYNC_PORT = 8_849;
const KERNEL_SYNC_PORT = 8_848;
const syncModes: readonly HaConfig['hactl']['sync'][] = ['multicast', 'relay', 'relay-encrypted'];

type SyncSettings = {-readonly [Key in 'sync' | 'syncDelay' | 'syncPort' | 'ipvs']: HaConfig['hactl'][Key]};

/** Parses one of them into `own`. */
export function parseSync(line: HaLine, settings: SyncSettings): void {
  const {value} = line;
  switch (line.name) {
    case 'hactl_sync': {
      const mode = syncModes.find((syncMode) => syncMode === value);
      if (mode) settings.sync = mode;
      else line.wrong(`"${value}" is not a sync mode`, `one of ${syncModes.join(', ')}`);
      return;
    }
    case 'hactl_sync_delay': {
      if (!line.wants('TIME or off')) return;
      const delay = value === 'off' ? 0 : parseTime(value);
      if (delay === 0 || (delay !== undefined && delay >= SYNC_DELAYS.least && delay <= SYNC_DELAYS.most))
        settings.syncDelay = delay;
      else line.wrong(`"${value}" is not a delay for young connections`, 'a time from 5ms to 1s, or off');
      return;
    }
    case 'hactl_sync_port': {
      const port = Number(value);
      if (Number.isInteger(port) && port >= 1 && port <= 65_535 && port !== KERNEL_SYNC_PORT)
        settings.syncPort = port;
      else
        line.wrong(
          `"${value}" is not a port for connection sync`,
          'a number from 1 to 65535, not 8848 (used by the sync daemon in the kernel)',
        );
      return;
    }
    case 'hactl_ipvs':
      if (!line.wants('NAME VALUE', 2)) return;
      if (/^[a-z_]+$/.test(value))
        settings.ipvs = {
          ...settings.ipvs,
          [value]: line.rest
            .slice(1)
            .map(({text}) => text)
            .join(' '),
        };
      else
        line.wrong(
          `"${value}" is not a setting of IPVS`,
          'a file of /proc/sys/net/ipv4/vs, such as sync_threshold',
        );
  }
}
