/**
 * The supervisor of one simulated director: the production machine, an in-memory IPVS table behind the product's driver,
 * checks that report the real servers' true state, and a disk that persists writes. `ports`, set later, connect it to its engine
 * and its peer.
 */
import {IpvsError, type IpvsClient, type Operation} from '@hactl/ipvs';
import {makeMemoryIpvs} from '@hactl/ipvs/testing';
import type {FromEngine, ToEngine} from '@hactl/failover';
import type {OrderRequest} from '../../src/control/protocol.ts';
import type {OrderState} from '../../src/control/orders.ts';
import {
  initial,
  nextDeadline,
  type CoreConfig,
  type CoreEffect,
  type CoreEvent,
  type CoreState,
  type step,
} from '../../src/daemon/core.ts';
import {noOrders} from '../../src/operators/order-state.ts';
import {driveTable} from '../../src/table/table-driver.ts';
import {CHECK_INTERVAL, loadFarm, type Files} from './farm.ts';

export interface SidePorts {
  readonly step: typeof step;
  readonly now: () => number;
  /** A random number in [0, 1). */
  readonly random: () => number;
  /** Whether a real server passes its checks now. */
  readonly passes: (id: string) => boolean;
  readonly toEngine: (message: ToEngine) => void;
  /** The engine died and the supervisor removes its addresses. */
  readonly removeVips: () => void;
  /** The peer's answer to an exchange of overrides; undefined: unreachable. */
  readonly exchange: (orders: OrderState) => OrderState | undefined;
  readonly observe: (effect: CoreEffect) => void;
}

export type Side = ReturnType<typeof makeSide>;

export function makeSide(node: string, files: Files, ports: SidePorts) {
  const {now} = ports;
  const config: CoreConfig = {node, stateDir: '/nowhere', syncTrusted: false};
  const kernel = makeMemoryIpvs();
  const trouble = {
    /** IPVS does not answer. */
    ipvs: false,
    /** The kernel refuses these servers. */
    refused: new Set<string>(),
    /** The disk is full. */
    disk: false,
  };
  const ipvs: IpvsClient = {
    ...kernel,
    list: () => (trouble.ipvs ? Promise.reject(new Error('no answer')) : kernel.list()),
    apply: (operation: Operation) => {
      if (trouble.ipvs) return Promise.reject(new Error('no answer'));
      if (operation.type === 'new-dest' && trouble.refused.has(operation.destination.address))
        return Promise.reject(new IpvsError('new-dest', operation.destination.address, 'EINVAL'));
      return kernel.apply(operation);
    },
  };
  let disk = {orders: noOrders as OrderState, files};
  let state: CoreState | undefined;
  /** Incarnation of the supervisor: results of an earlier one's operations are dropped. */
  let life = 0;
  let bootedAt = -Infinity;
  let checkAt = Infinity;
  let specs = new Set<string>();
  const reported = new Map<string, boolean>();
  const later: {at: number; event: CoreEvent; life: number}[] = [];
  let table = driveTable({ipvs: () => ipvs, feed: () => undefined});

  const soon = (delay: number, event: CoreEvent): void => void later.push({at: now() + delay, event, life});

  function perform(effect: CoreEffect): CoreEvent | void {
    ports.observe(effect);
    switch (effect.type) {
      case 'to-engine':
        return ports.toEngine(effect.message);
      case 'to-checks':
        if (effect.message.type !== 'configure') return;
        specs = new Set(effect.message.specs.map(({id}) => id));
        for (const id of reported.keys()) if (!specs.has(id)) reported.delete(id);
        checkAt = Math.min(checkAt, now() + ports.random() * CHECK_INTERVAL);
        return;
      case 'read-table':
        return table.read();
      case 'apply-table':
        return table.apply(effect.operations);
      case 'write-orders':
        if (trouble.disk) return {type: 'orders-written', problem: 'no space left on device'};
        disk = {...disk, orders: effect.orders};
        return {type: 'orders-written'};
      case 'exchange-orders': {
        const orders = ports.exchange(effect.orders);
        if (orders) return soon(5, {type: 'exchanged', orders});
        return soon(1_000, {type: 'exchange-failed', problem: 'no answer'});
      }
      case 'ask-facts':
        return soon(5, {type: 'peer-facts', facts: []});
      case 'remove-vips':
        return ports.removeVips();
      default:
    }
  }

  function feed(event: CoreEvent): void {
    const queue = [event];
    for (let next = queue.shift(); next && state; next = queue.shift()) {
      const [after, effects] = ports.step(config, state, next, {now: now(), wall: 1.7e12 + now()});
      state = after;
      queue.unshift(...effects.flatMap((effect) => perform(effect) ?? []));
    }
  }

  /** The checks process: checks each server once per interval and reports changes. */
  function check(): void {
    checkAt = now() + CHECK_INTERVAL;
    for (const id of specs) {
      const up = ports.passes(id);
      if (reported.get(id) === up) continue;
      reported.set(id, up);
      const report = {
        id,
        state: up ? 'up' : 'down',
        failures: 0,
        checks: 1,
        reason: 'r',
        took: 1,
        at: now(),
      } as const;
      soon(1 + ports.random() * 10, {type: 'checks', message: {type: 'verdict', report}});
    }
  }

  const due = (): number =>
    state === undefined ? Infinity : Math.min(checkAt, nextDeadline(state), ...later.map(({at}) => at));

  return {
    node,
    kernel,
    trouble,
    due,
    feed,
    soon,
    get state() {
      return state;
    },
    get disk() {
      return disk;
    },
    get bootedAt() {
      return bootedAt;
    },
    /** Runs what is due. */
    turn: (): void => {
      for (const one of later.filter(({at}) => at <= now())) {
        later.splice(later.indexOf(one), 1);
        if (one.life === life) feed(one.event);
      }
      if (checkAt <= now()) check();
      if (state && nextDeadline(state) <= now()) feed({type: 'tick'});
    },
    /** Resolves when the kernel has completed all requests. */
    settled: async (): Promise<void> => {
      for (let before; before !== table.idle();) {
        before = table.idle();
        // oxlint-disable-next-line no-await-in-loop -- until nothing new was started.
        await before;
      }
    },
    boot: (): void => {
      life += 1;
      const mine = life;
      later.length = 0;
      reported.clear();
      specs = new Set();
      checkAt = Infinity;
      bootedAt = now();
      state = initial(config, loadFarm(node, disk.files), disk.orders, {now: now(), wall: 1.7e12 + now()});
      table = driveTable({
        ipvs: () => ipvs,
        feed: (event) => {
          if (mine === life) feed(event);
        },
      });
      feed({type: 'ipvs-opened'});
      feed({type: 'checks', message: {type: 'ready', pid: 1}});
    },
    die: (): void => {
      life += 1;
      state = undefined;
      checkAt = Infinity;
    },
    /** Power loss: the kernel's table is gone. */
    powerOff: async (): Promise<void> => kernel.flush(),
    hear: (message: FromEngine): void => soon(0.2, {type: 'engine', message}),
    reload: (next: Files): void => {
      disk = {...disk, files: next};
      if (state) feed({type: 'loaded', loaded: loadFarm(node, next)});
    },
    order: (action: OrderRequest['action'], address: string): void =>
      feed({
        type: 'order',
        request: {action, reals: [address], who: 'sim'},
        addresses: new Map(),
        reply: 1,
      }),
  };
}
