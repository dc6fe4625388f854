/** The connection to the kernel's table: opened as soon as possible; loads the module once. */
import {runLimited} from '@hactl/base/run';
import {openKernelIpvs, type IpvsClient} from '@hactl/ipvs';
import {MODPROBE_LIMIT_MS} from '../system/limits.ts';

const OPEN_EVERY = 2_000;

export interface IpvsConnection {
  /** undefined while the kernel's IPVS is unreachable. */
  client(): IpvsClient | undefined;
  open(): Promise<void>;
  close(): void;
}

/** Retries until it is open; `failed` gets the reason of each attempt after the first. */
export function connectIpvs(options: {
  readonly opened: () => void;
  readonly failed: (reason: string) => void;
}): IpvsConnection {
  let ipvs: IpvsClient | undefined;
  let modprobed = false;
  const open = async (): Promise<void> => {
    if (ipvs) return;
    try {
      ipvs = await openKernelIpvs();
      options.opened();
    } catch (error) {
      if (!modprobed) {
        modprobed = true;
        await runLimited('modprobe', ['ip_vs'], {limit: MODPROBE_LIMIT_MS, read: 'none'});
        return open();
      }
      options.failed(error instanceof Error ? error.message : String(error));
      setTimeout(() => void open(), OPEN_EVERY).unref();
    }
  };
  return {client: () => ipvs, open, close: () => ipvs?.close()};
}
