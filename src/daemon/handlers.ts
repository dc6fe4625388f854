/** One function per command of the control socket and of the peer channel. */
import type {Clock} from '@hactl/base';
import type {ConfigHandlers, ConfigPeerHandlers} from '../configuration/config-commands.ts';
import type {AskPeer, Handlers, PeerHandlers} from '../control/answers.ts';
import {CommandError} from '../control/error.ts';
import type {ReloadOutcome, StatusSnapshot} from '../control/protocol.ts';
import type {Journal} from '../journal/journal-file.ts';
import {addressesOf, readRequest} from '../operators/order-requests.ts';
import {AHEAD_MOST, readOrders} from '../operators/order-state.ts';
import {resourceCommand} from '../resources/resource-commands.ts';
import type {ResourceRunner} from '../resources/resource-runner.ts';
import type {Children} from './children.ts';
import type {Loop} from './loop.ts';
import type {Requests} from './requests.ts';
import {ENGINE_MOVE_LIMIT_MS, PEER_ASK_LIMIT_MS} from '../system/limits.ts';

export interface HandlerPorts {
  readonly clock: Clock;
  readonly loop: Loop;
  readonly requests: Requests;
  readonly children: Children;
  readonly resources: ResourceRunner;
  readonly journal: Journal;
  readonly snapshot: () => Promise<StatusSnapshot>;
  readonly reload: () => Promise<ReloadOutcome>;
  readonly askPeer: AskPeer;
  readonly configCommands: {readonly handlers: ConfigHandlers; readonly peerHandlers: ConfigPeerHandlers};
}

/** The operators' commands. */
export const operatorHandlers = (ports: HandlerPorts): Handlers => ({
  status: ports.snapshot,
  events: ports.journal.answer,
  reload: ports.reload,
  peer: ({ask}) => ports.askPeer(ask, PEER_ASK_LIMIT_MS),
  ...ports.configCommands.handlers,
  move: async ({move, scope}) => {
    const {children} = ports;
    if (!children.engine)
      throw new CommandError('no-pair', 'this director has no ha.cf: there is no peer to move to');
    await children.passBarrier();
    const done = await children.askEngine((id) => ({type: 'move', id, move, scope}), ENGINE_MOVE_LIMIT_MS);
    if (done?.type !== 'move-done')
      throw new CommandError('timeout', 'the failover engine did not finish the move');
    return done;
  },
  resource: async (command) => {
    await ports.children.freshStatus();
    const {configuration, roles, sync} = ports.loop.state;
    const vips = roles.engine?.status.groups.flatMap((group) => group.vips) ?? [];
    return resourceCommand(command, {
      groups: configuration.running.cluster.haresources.groups,
      roles: roles.roles,
      held: new Set(vips.flatMap(({address, held}) => (held ? [address] : []))),
      daemons: (sync?.daemons ?? []).map(({role}) => role),
      runner: ports.resources,
    });
  },
  order: async (command) => {
    const request = readRequest(command);
    const addresses = await addressesOf(request.reals);
    return ports.requests.order((reply) => ({type: 'order', request, addresses, reply}));
  },
  resync: async () => {
    const {report, problem} = ports.loop.state.sync ?? {};
    if (!report)
      throw new CommandError(
        'no-sync',
        problem ?? 'no connection sync: haresources has no LVSSyncDaemonSwap, or there is no peer',
      );
    if (!report.peer)
      throw new CommandError('no-peer', "no contact with the peer's sync process: nobody can send a table");
    ports.children.sync.send({type: 'resync'});
    return {asked: true, resyncs: report.resyncs};
  },
});

/** The peer's commands. */
export const peerHandlers = (ports: HandlerPorts): PeerHandlers => ({
  status: ports.snapshot,
  events: ports.journal.answer,
  orders: async ({state}) => {
    const orders = readOrders(state, ports.clock.wall() + AHEAD_MOST);
    if (!orders)
      throw new CommandError(
        'bad-request',
        "invalid list of overrides, or one is more than a day ahead of this director's clock",
      );
    return ports.requests.peerOrders((reply) => ({type: 'peer-orders', orders, reply}));
  },
  ...ports.configCommands.peerHandlers,
});
