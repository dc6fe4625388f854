/** The own kernel: hearing what its sync daemon says, feeding it, reading its table. */
import type {ObservedService} from '@hactl/ipvs';
import {addressBytes, allowMulticast, openOutgoingTap} from '@hactl/net';
import {relayBackupId} from './control.ts';
import {openInjector, type Injector} from './driver-injector.ts';
import {hearKernels, KERNEL_PORT, SYNC_GROUP, type Place} from './driver-link.ts';
import {readConnections} from './driver-proc.ts';
import type {SyncLink} from './messages.ts';
import {find, upsert, type Mirror} from './mirror.ts';
import {entryOfLine, methodsOf} from './proc-table.ts';

/** `lo` is link 1 in every network namespace. */
const LO = 1;

export interface KernelPorts {
  /** The kernel's services: they say how connections that the kernel lists are forwarded. */
  services(): Promise<readonly ObservedService[]>;
  log(level: 'error' | 'warn' | 'info' | 'debug', message: string): void;
}

export interface KernelSide {
  readonly injector: Injector;
  close(): void;
}

interface Heard {
  /** A message of the own kernel. */
  onOwn(bytes: Buffer): void;
  /** One of the peer's kernel, over the interface (multicast only). */
  onPeerKernel(bytes: Buffer): void;
}

export async function openKernelSide(settings: SyncLink, place: Place, heard: Heard): Promise<KernelSide> {
  const {mode, syncid} = settings;
  const relay = mode === 'relay';
  if (relay) allowMulticast(LO);
  const injector = await openInjector({
    group: SYNC_GROUP,
    port: KERNEL_PORT,
    source: relay ? '127.0.0.1' : place.address,
    ttl: relay ? 1 : 0,
    syncid: relay ? relayBackupId(syncid) : syncid,
  });
  const closers = [() => injector.close()];
  const close = (): void => {
    for (const one of closers.splice(0)) one();
  };
  try {
    const kernels = relay
      ? hearKernels('lo', LO, (bytes) => {
          if (bytes[1] === syncid) heard.onOwn(bytes);
        })
      : hearKernels(settings.interface, place.index, (bytes, from) => {
          // What comes from the own address is what is fed to the own kernel.
          if (bytes[1] === syncid && from.address !== place.address) heard.onPeerKernel(bytes);
        });
    closers.push(() => kernels.close());
    if (!relay) {
      // The kernel does not let its own machine hear its multicast.
      const tap = openOutgoingTap(place.index, KERNEL_PORT, (bytes) => {
        if (bytes[1] === syncid) heard.onOwn(bytes);
      });
      closers.push(() => tap.stop());
    }
  } catch (error) {
    close();
    throw error;
  }
  return {injector, close};
}

/** A process that starts beside a running kernel reads once what is there already. */
export async function readOwnKernel(
  ports: KernelPorts,
  mirror: Mirror,
  second: () => number,
  stopped: () => boolean,
): Promise<void> {
  const forward = methodsOf(await ports.services(), addressBytes);
  let read = 0;
  await readConnections((line) => {
    const found = entryOfLine(line, forward);
    if (!found || find(mirror, found.entry, 0) >= 0) return;
    upsert(mirror, found.entry, 0, second(), found.remaining);
    read += 1;
  }, stopped);
  if (read > 0) ports.log('info', `${read} connections found in the kernel`);
}
