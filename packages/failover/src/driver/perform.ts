/** Performs the machine's effects one at a time, in order. */
import {programEnvironment, runLimited} from '@hactl/base/run';
import type {Effect} from '../machine/state.ts';
import type {EngineVip} from '../messages.ts';
import type {Current, Shared} from './current.ts';
import type {Loop} from './loop.ts';
import type {StateStore} from './state-store.ts';
import type {Vips} from './vips.ts';

/** How long this process's successor has to adopt the addresses, in milliseconds. */
const SUCCESSOR_LEASE = 10_000;
const FENCE_LIMIT = 60_000;

/** The drivers that `perform` uses. */
export interface Tools {
  readonly shared: Shared;
  readonly vips: Vips;
  readonly store: StateStore;
  readonly loop: Pick<Loop, 'push'>;
  readonly sendAdverts: () => void;
  readonly askKernel: (nodeIndex: number) => void;
  readonly finish: () => void;
}

/** IPv6 is disabled here and no peer is alive: serve the group's IPv4 addresses without the others. */
const isBetterThanNone = (
  {state}: Current,
  vips: readonly EngineVip[],
  vip: EngineVip,
  problem: string,
): boolean =>
  vip.family === 6 &&
  problem.includes('IPv6 is disabled') &&
  vips.some(({family}) => family === 4) &&
  !state.peers.some(({alive}) => alive);

/** Performs one effect. */
export function perform(tools: Tools, effect: Effect): void | 'failed' {
  const {shared, vips, store} = tools;
  const {current, clock, count, send} = shared;
  switch (effect.type) {
    case 'acquire':
      return acquire(tools, effect);
    case 'renew':
      for (const vip of effect.vips) vips.put(vip, current.config.vipLease);
      return;
    case 'leave-addresses':
      if (current.config.vipLease > 0) for (const vip of effect.vips) vips.put(vip, SUCCESSOR_LEASE);
      return;
    case 'announce':
      for (const vip of effect.vips) vips.announce(vip);
      return;
    case 'release':
      for (const vip of effect.vips) {
        const problem = vips.remove(vip);
        if (problem !== undefined)
          send({type: 'event', level: 'error', code: 'release-failed', message: problem});
      }
      return;
    case 'send-advert':
      return tools.sendAdverts();
    case 'ask-kernel':
      return tools.askKernel(effect.nodeIndex);
    case 'remember-incarnation':
      return store.rememberOwn(effect.incarnation);
    case 'prepare':
      return send({type: 'prepare', vrid: effect.vrid});
    case 'fence':
      return fence(shared, effect.node);
    case 'transition':
      count('transitions');
      return send({type: 'transition', transition: {...effect.transition, wall: clock.wall()}});
    case 'event':
      count(`event-${effect.code}`);
      return send({...effect, wall: clock.wall()});
    case 'move-done':
      return send(effect);
    case 'stopped':
      return tools.finish();
  }
}

/** Adds a group's addresses to their interfaces; `failed` if the group should move to the peer. */
function acquire(
  {shared: {current, send}, vips, loop}: Tools,
  {vrid, vips: wanted}: Extract<Effect, {type: 'acquire'}>,
): void | 'failed' {
  const fail = (reason: string): 'failed' => {
    loop.push({type: 'acquire-failed', vrid, reason});
    return 'failed';
  };
  // Without announcements nobody would learn where the address is: leave it to a peer that can announce.
  if (vips.cannotAnnounce !== undefined && current.state.peers.some(({alive}) => alive))
    return fail(`cannot announce: ${vips.cannotAnnounce}`);
  for (const vip of wanted) {
    const problem = vips.put(vip, current.config.vipLease);
    if (problem === undefined) continue;
    const reason = `cannot put ${vip.address} on ${vip.device}: ${problem}`;
    if (!isBetterThanNone(current, wanted, vip, problem)) return fail(reason);
    const message = `${reason}; the others are served`;
    send({type: 'event', level: 'error', code: 'not-served', message});
  }
}

/** The command is passed on standard input, because arguments are visible to every user. */
function fence({current, feed}: Shared, node: string): void {
  const {fence: command = 'false', fenceName = 'command'} = current.config;
  const run = runLimited('/bin/sh', ['-s', node], {
    limit: FENCE_LIMIT,
    input: `${command} "$1"\n`,
    read: 'none',
    // A running fence command must survive our exit.
    env: programEnvironment({}, {leave: true}),
  });
  void run.then(({status, timedOut}) =>
    feed({
      type: 'fenced',
      ok: status === 0,
      reason: `fence ${fenceName} for ${node} ${timedOut ? `did not end within ${FENCE_LIMIT} ms` : `ended with ${status}`}`,
    }),
  );
}
