/** The local kernel: receives its sync daemon's messages, injects connections, reads its table. */
import type {ObservedService} from '@hactl/ipvs';
import {addressBytes, allowMulticast, openOutgoingTap} from '@hactl/net';
import {relayBackupId} from './control.ts';
import {openInjector, type Injector} from './driver-injector.ts';
import {hearKernels, KERNEL_PORT, LO, SYNC_GROUP, type SyncInterface} from './driver-link.ts';
import {readConnections} from './driver-proc.ts';
import type {SyncLink} from './messages.ts';
import {find, upsert, type Mirror} from './mirror.ts';
import {entryOfLine, methodsOf} from './proc-table.ts';

export interface KernelPorts {
  /** The kernel's services, which give the forwarding method of listed connections. */
  services(): Promise<readonly ObservedService[]>;
  log(level: 'error' | 'warn' | 'info' | 'debug', message: string): void;
}

export interface KernelSide {
  readonly injector: Injector;
  /** Throws a SystemError. */
  listen(heard: KernelHeard): void;
  close(): void;
}

export interface KernelHeard {
  /** A message from the local kernel. */
  onOwn(bytes: Buffer): void;
  /** A message from the peer's kernel, over the interface (multicast only). */
  onPeerKernel(bytes: Buffer): void;
}

export async function openKernelSide(settings: SyncLink, syncInterface: SyncInterface): Promise<KernelSide> {
  const {mode, syncid} = settings;
  const relay = mode === 'relay';
  if (relay) allowMulticast(LO);
  const injector = await openInjector({
    group: SYNC_GROUP,
    port: KERNEL_PORT,
    source: relay ? '127.0.0.1' : syncInterface.address,
    ttl: relay ? 1 : 0,
    syncid: relay ? relayBackupId(syncid) : syncid,
  });
  const closers = [() => injector.close()];
  const listenOnLo = (heard: KernelHeard): void => {
    const kernels = hearKernels('lo', LO, (bytes) => {
      if (bytes[1] === syncid) heard.onOwn(bytes);
    });
    closers.push(() => kernels.close());
  };
  const listenOnLink = (heard: KernelHeard): void => {
    const localAddress = addressBytes(syncInterface.address);
    const kernels = hearKernels(settings.interface, syncInterface.index, (bytes, from) => {
      // Messages from our own address are those injected into the local kernel.
      if (bytes[1] === syncid && !localAddress.equals(from)) heard.onPeerKernel(bytes);
    });
    closers.push(() => kernels.close());
    // The kernel does not loop its multicast back to its own machine.
    const tap = openOutgoingTap(syncInterface.index, KERNEL_PORT, (bytes) => {
      if (bytes[1] === syncid) heard.onOwn(bytes);
    });
    closers.push(() => tap.stop());
  };
  return {
    injector,
    listen: relay ? listenOnLo : listenOnLink,
    close: () => {
      for (const close of closers.splice(0)) close();
    },
  };
}

/** A process that starts with a populated kernel table reads it once. */
export async function readOwnKernel(
  ports: KernelPorts,
  mirror: Mirror,
  mirrorTime: () => number,
  stopped: () => boolean,
): Promise<void> {
  const forward = methodsOf(await ports.services(), addressBytes);
  let read = 0;
  await readConnections((line) => {
    const found = entryOfLine(line, forward);
    if (!found || find(mirror, found.entry, 0) >= 0) return;
    upsert(mirror, found.entry, 0, mirrorTime(), found.remaining);
    read += 1;
  }, stopped);
  if (read > 0) ports.log('info', `${read} connections found in the kernel`);
}
