/** One director's side of connection sync: combines its parts (driver-*.ts) and runs them. */
import {randomBytes} from 'node:crypto';
import {senderNumber} from '@hactl/channel';
import type {IpvsClient} from '@hactl/ipvs';
import {masterMaxlen} from './control.ts';
import type {SyncContext} from './driver-context.ts';
import {openDelivery, type BarrierResult} from './driver-delivery.ts';
import {openHousekeeping} from './driver-housekeeping.ts';
import {openKernelSide, readOwnKernel, type KernelPorts, type KernelSide} from './driver-kernel.ts';
import {findInterface, type SyncInterface} from './driver-link.ts';
import {openLive} from './driver-live.ts';
import {openPeer, type Peer} from './driver-peer.ts';
import {openPulse, type Pulse} from './driver-pulse.ts';
import {openTransfer} from './driver-transfer.ts';
import {messageOf} from './entry.ts';
import type {Routes} from './flows.ts';
import type {SyncLink, SyncReport} from './messages.ts';
import {createMirror, sweep, type Mirror} from './mirror.ts';
import {pulseClient} from './pulse.ts';
import {readinessOf} from './readiness.ts';
import {readSetting} from './sysctls.ts';

const BUSY_TICK = 20;
const IDLE_TICK = 100;
const SWEEP_EVERY = 1_000;
/** How long a starting director listens for a peer. */
const PEER_WAIT = 10_000;
/** Time for the last messages of a director that is no longer Active, in ms. */
const FAREWELL_LIMIT = 500;

export interface SyncNode {
  readonly place: SyncInterface;
  readonly mirror: Mirror;
  setActive(active: boolean): void;
  /** Changes the keys; the session continues. */
  setKeys(keys: Pick<SyncLink, 'secret' | 'accepted'>): void;
  resync(): void;
  /** The Active moves the UDP flows that these routes name, here and at the peer; their number. */
  moveFlows(routes: Routes): Promise<number>;
  /** Resolves when the peer's kernel has everything this one knows now, or after `limit` ms. */
  barrier(limit: number): Promise<BarrierResult>;
  /** Resolves when the local kernel has flushed its buffer; called before its master daemon is stopped. */
  drain(limit: number): Promise<void>;
  report(): SyncReport;
  close(): void;
}

export interface NodePorts extends KernelPorts {
  readonly now: () => number;
  ipvs(): IpvsClient | undefined;
}

export interface NodeStart {
  /** The kernel was in sync a moment ago, under the previous process. */
  readonly recentSync: boolean;
  /** The table of a node that was closed because its interface changed; adopted. */
  readonly known?: Mirror;
}

export async function openNode(settings: SyncLink, ports: NodePorts, start: NodeStart): Promise<SyncNode> {
  const context: SyncContext = {
    settings,
    mirror: start.known ?? createMirror(randomBytes(4).readUInt32BE(0)),
    now: ports.now,
    mirrorTime: () => 1 + Math.floor(ports.now() / 1_000),
    log: (level, message) => ports.log(level, message),
    active: false,
    startedActive: true,
    recentSync: start.recentSync,
  };
  const syncInterface = findInterface(settings.interface);
  const closers: (() => void)[] = [];
  const close = (): void => {
    for (const closer of closers.splice(0)) closer();
  };
  try {
    const kernel = await openKernelSide(settings, syncInterface);
    closers.push(() => kernel.close());
    const pulse = await tryPulse(settings, ports);
    closers.push(() => pulse?.close());
    const peer = openPeer(context, syncInterface);
    closers.push(() => peer.close());
    const parts = join(context, ports, {kernel, pulse, peer});
    closers.push(parts.close);
    const {mirror, mirrorTime} = context;
    if (mirror.size === 0)
      readOwnKernel(ports, mirror, mirrorTime, () => closers.length === 0).catch((error: unknown) =>
        ports.log('warn', `the kernel's connections cannot be read: ${String(error)}`),
      );
    return {
      place: syncInterface,
      mirror,
      setActive: (active) => {
        const ended = context.active && !active;
        context.active = active;
        if (!active) context.startedActive = false;
        pulse?.setActive(active);
        // Connections that arrived while the address moved to the peer.
        if (ended) void parts.delivery.push(FAREWELL_LIMIT);
      },
      setKeys: (keys) => peer.setKeys(keys),
      resync: () => parts.transfer.start(true),
      moveFlows: parts.moveFlows,
      barrier: (limit) => parts.delivery.barrier(limit),
      drain: async (limit) => {
        await pulse?.burst(limit);
        parts.live.flush();
      },
      report: parts.report,
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

async function tryPulse(settings: SyncLink, ports: NodePorts): Promise<Pulse | undefined> {
  const maxlen = masterMaxlen(settings.mode, settings.delay);
  if (settings.delay === 0 || maxlen === undefined) return undefined;
  const client = pulseClient(senderNumber(settings.cluster, settings.node));
  try {
    return await openPulse(ports, {interval: settings.delay, maxlen, client});
  } catch (error) {
    ports.log('warn', `young connections reach the peer late: ${String(error)}`);
    return undefined;
  }
}

interface Ends {
  readonly kernel: KernelSide;
  readonly pulse: Pulse | undefined;
  readonly peer: Peer;
}

/** The parts between the local kernel and the peer; both are received from here on. */
function join(context: SyncContext, ports: NodePorts, ends: Ends) {
  const {mirror, mirrorTime, now, settings} = context;
  const {peer, pulse, kernel} = ends;
  const {injector} = kernel;
  const startedAt = now();
  // If both are Active for one group each, neither table is authoritative for all.
  const isAuthoritative = (): boolean => context.active && !(peer.hello?.active && peer.alive);
  const live = openLive(context, {peer, injector, pulse});
  const housekeeping = openHousekeeping(
    {
      ...ports,
      mirror,
      mirrorTime,
      isAuthoritative,
      isHeard: () => peer.believed,
      expiresByItself: () => readSetting('expire_nodest_conn') === '1',
      tell: (entries) => live.tell(entries),
      inject: (entries) => injector.add({message: messageOf(0, entries), done: () => undefined}),
    },
    settings.audit,
  );
  const transfer = openTransfer(context, {
    peer,
    injector,
    isGone: (message, start) => housekeeping.isGone(message, start),
  });
  const delivery = openDelivery(context, {peer, injector, live, pulse, forward: () => housekeeping.forward});
  const state: {sweptAt: number; timer?: NodeJS.Timeout} = {sweptAt: now()};
  const work = (): void => {
    peer.tick();
    if (now() - state.sweptAt >= SWEEP_EVERY) {
      state.sweptAt = now();
      sweep(mirror, mirrorTime());
    }
    if (peer.alive) transfer.tick();
    delivery.tick();
  };
  const tick = (): void => {
    work();
    state.timer = setTimeout(tick, transfer.busy ? BUSY_TICK : IDLE_TICK);
  };

  peer.listen({
    describe: () => ({
      phase: transfer.phase,
      relayed: live.counts.relayed % 2 ** 32,
      missing: transfer.counts.missingHere,
    }),
    newPeer: (hello, lost) => {
      live.newPeer(hello, lost);
      transfer.newPeer();
      delivery.newPeer();
    },
    hello: (hello) => {
      transfer.hello(hello);
      live.hello(hello);
    },
    message: (message) => {
      if (message.type === 'live') live.peerKernel(message.message, true);
      else if (message.type === 'mark' || message.type === 'marked' || message.type === 'pull')
        delivery.message(message);
      else transfer.message(message);
    },
  });
  kernel.listen({
    onOwn: (bytes) => live.own(bytes),
    onPeerKernel: (bytes) => {
      for (const marker of live.peerKernel(bytes, false)) delivery.peerMarker(marker);
    },
  });
  state.timer = setTimeout(tick, 0);
  const readiness = (): ReturnType<typeof readinessOf> =>
    readinessOf({
      peer: peer.alive,
      young: now() - startedAt < PEER_WAIT,
      awaited: now() - Math.max(peer.since, transfer.progressAt) < settings.deadline,
      active: context.active,
      due: transfer.due,
      phase: transfer.phase,
      connections: mirror.size,
      recentSync: context.recentSync,
    });
  return {
    live,
    transfer,
    delivery,
    moveFlows: (routes: Routes) => housekeeping.moveFlows(routes),
    report: (): SyncReport => ({
      mode: settings.mode,
      encrypted: settings.mode === 'relay',
      ...readiness(),
      phase: transfer.phase,
      peer: peer.alive,
      here: mirror.size,
      ...(peer.hello && peer.alive ? {there: peer.hello.connections, missingThere: peer.hello.missing} : {}),
      lag: live.lag,
      ...live.counts,
      lost: peer.lost,
      ...peer.counts,
      pulse: !pulse ? 'off' : pulse.silent ? 'silent' : pulse.beating ? 'beating' : 'idle',
      ...(delivery.ages ? {age: delivery.ages} : {}),
      backlog: injector.rxQueued(),
      injected: injector.stats.injected,
      waiting: injector.stats.waiting,
      overflows: injector.stats.drops,
      unheard: injector.rxDropped(),
      ...transfer.counts,
      retired: housekeeping.stats.retired,
      audit: {
        walks: housekeeping.audit.walks,
        added: housekeeping.audit.added,
        lost: housekeeping.audit.lost,
      },
    }),
    close: () => {
      clearTimeout(state.timer);
      housekeeping.close();
    },
  };
}
