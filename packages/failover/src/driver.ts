/** Runs the machine against the real world: timer, sockets, addresses, announcements. One queue, run to completion. */
import {spawn} from 'node:child_process';
import {makeLateness, type Clock, type Instant} from '@hactl/base';
import {
  decodeArp,
  decodeNa,
  openAddresses,
  openAnnouncer,
  openPinger,
  openArpWatch,
  openNaWatch,
  watchNetlink,
  type Link,
} from '@hactl/net';
import {decodeAdvert, encodeAdvert, type Advert} from './advert.ts';
import {shortHash} from './auth.ts';
import {renewInterval} from './intervals.ts';
import {advertOf, hearsUs, initialState, nextDeadline, step} from './machine.ts';
import type {EngineConfig, EngineStatus, EngineVip, FromEngine, ToEngine} from './messages.ts';
import {priorityOf} from './priority.ts';
import {answered, lostTargets, pingInterval, startReach, targetsOf} from './reach.ts';
import {acceptSequence, freshReplay, type ReplayState} from './replay.ts';
import type {Effect, Event, State} from './state.ts';
import {openStateStore} from './state-store.ts';
import {openTransport, type Transport} from './transport.ts';
import {mustListenFirst, performAll} from './turn.ts';

/** The successor of this process has so long to adopt the addresses, in seconds. */
const BEQUEST = 10;
const FENCE_LIMIT = 60_000;
/** The newest advert of the peer goes to disk so often, milliseconds. */
const SAVE_EVERY = 1_000;

/** Starts the engine; `say` sends to the supervisor, `quit` ends the process. */
export function startEngine(
  first: EngineConfig,
  clock: Clock,
  realtime: string,
  say: (message: FromEngine) => void,
  quit: () => void,
) {
  let config = first;
  const store = openStateStore(config.stateDir);
  const addresses = openAddresses();
  const announcer = openAnnouncer();
  let links: readonly Link[] = addresses.links();
  const lateness = makeLateness();
  const counters: Record<string, number> = {};
  const count = (code: string): void => {
    counters[code] = (counters[code] ?? 0) + 1;
  };
  let state: State = initialState(
    config,
    store.nextIncarnation(clock.wall()),
    clock.now(),
    config.nodes.map((node) => store.seen(node).incarnation),
  );
  const replay = new Map<number, ReplayState>(
    config.nodes.map((node, place) => {
      const {incarnation, sequence} = store.seen(node);
      return [place, freshReplay(incarnation, sequence)];
    }),
  );
  const saveSeen = (): void =>
    store.save(
      config.nodes.flatMap((node, place) => {
        const seen = replay.get(place);
        return seen && seen.incarnation > 0n
          ? [[node, {incarnation: seen.incarnation, sequence: seen.newest}] as const]
          : [];
      }),
    );
  const leasedUntil = new Map<string, Instant>();
  const held = new Set<string>();
  let cluster = shortHash(config.cluster);
  let timer: NodeJS.Timeout | undefined;
  let due: Instant = 0;
  const queue: Event[] = [];
  let running = false;
  let ended = false;

  const groupOf = (vrid: number) => config.groups.find((group) => group.vrid === vrid);
  const linkOf = (vip: EngineVip): Link | undefined => links.find((link) => link.name === vip.device);

  function feed(event: Event): void {
    queue.push(event);
    if (running || ended) return;
    running = true;
    for (let one = queue.shift(); one; one = queue.shift()) {
      const [next, effects] = step(config, state, one, clock.now());
      state = next;
      performAll(effects, perform);
    }
    running = false;
    schedule();
  }

  function schedule(): void {
    if (ended) return;
    const next = nextDeadline(config, state);
    if (timer !== undefined && next === due) return;
    clearTimeout(timer);
    due = next;
    // Rounded up: a timer that fires early would only be set again.
    timer = setTimeout(onTimer, Math.max(0, Math.ceil(next - clock.now())));
  }

  function onTimer(): void {
    timer = undefined;
    const now = clock.now();
    lateness.note(Math.max(0, now - due));
    if (mustListenFirst(state, now)) {
      const at = due;
      setImmediate(() => {
        if (due === at) feed({type: 'tick'});
      });
      return;
    }
    feed({type: 'tick'});
  }

  /** Source addresses of believed adverts, by node's place and path. */
  const sources = new Map<string, string>();
  const sourcesOf = (place: number): string[] => [
    ...new Set([...sources].flatMap(([key, from]) => (key.startsWith(`${place} `) ? [from] : []))),
  ];

  /** Whether it is another's: the kernel gives us our own broadcasts and multicasts, looped back. */
  function onDatagram(path: number, bytes: Buffer, from: string): boolean {
    const decoded = decodeAdvert(bytes, cluster, config.keys);
    if (!decoded.ok) count(`fault-${decoded.fault.code}`);
    else if (decoded.value.place === state.place && decoded.value.node === shortHash(config.node))
      return false;
    else onAdvert({...decoded.value, path}, from);
    return true;
  }

  function onAdvert(advert: Advert, from: string): void {
    const name = config.nodes[advert.place];
    if (name === undefined || shortHash(name) !== advert.node) return count('fault-unknown-node');
    const before = replay.get(advert.place) ?? freshReplay();
    const accepted = acceptSequence(before, advert);
    if (!accepted.ok) return count(`fault-${accepted.fault.code}`);
    replay.set(advert.place, accepted.value);
    sources.set(`${advert.place} ${advert.path}`, from);
    // At once where it matters most: a new life of the peer.
    if (accepted.value.incarnation !== before.incarnation) saveSeen();
    feed({type: 'advert', advert});
  }

  let transport: Transport = openTransport(config.paths, links, onDatagram);

  // ------------------------------------------------------------------------------------------------------ effects

  function perform(effect: Effect): void | 'failed' {
    switch (effect.type) {
      case 'acquire':
        return acquire(effect.vrid);
      case 'renew':
        for (const vip of groupOf(effect.vrid)?.vips ?? []) put(vip, config.vipLease / 1_000);
        return;
      case 'bequeath':
        for (const vip of groupOf(effect.vrid)?.vips ?? []) if (config.vipLease > 0) put(vip, BEQUEST);
        return;
      case 'announce':
        for (const vip of groupOf(effect.vrid)?.vips ?? []) {
          const link = linkOf(vip);
          if (!link) continue;
          const problem = announcer.announce({
            family: vip.family,
            address: vip.address,
            index: link.index,
            mac: link.mac,
            mark: cluster,
          });
          count(problem === undefined ? 'announcements' : 'announcements-failed');
        }
        return;
      case 'release':
        for (const vip of groupOf(effect.vrid)?.vips ?? []) drop(vip);
        return;
      case 'send-advert':
        return sendAdverts();
      case 'remember-incarnation':
        return store.rememberOwn(effect.incarnation);
      case 'prepare':
        say({type: 'prepare', vrid: effect.vrid});
        return;
      case 'fence':
        return fence(effect.node);
      case 'transition':
        say({type: 'transition', transition: {...effect.transition, wall: clock.wall()}});
        count('transitions');
        return;
      case 'event':
        count(`event-${effect.code}`);
        say({...effect, wall: clock.wall()});
        return;
      case 'move-done':
        say(effect);
        return;
      case 'stopped':
        return finish();
    }
  }

  function sendAdverts(): void {
    const key = config.keys.find((one) => one.id === config.signingKey);
    if (!key) return;
    const advert = advertOf(config, state);
    for (const path of transport.paths.keys()) transport.send(path, encodeAdvert({...advert, path}, key));
  }

  function put(vip: EngineVip, lease: number): string | undefined {
    const link = linkOf(vip);
    if (!link) return `no interface ${vip.device}`;
    try {
      addresses.put({
        family: vip.family,
        address: vip.address,
        prefixLength: vip.prefixLength,
        index: link.index,
        ...(vip.label === undefined ? {} : {label: vip.label}),
        ...(vip.broadcast === undefined ? {} : {broadcast: vip.broadcast}),
        ...(lease > 0 ? {lease: Math.ceil(lease)} : {}),
      });
      held.add(vip.address);
      if (lease > 0) leasedUntil.set(vip.address, clock.now() + lease * 1_000);
      return undefined;
    } catch (error) {
      count('address-errors');
      return error instanceof Error ? error.message : String(error);
    }
  }

  function drop(vip: EngineVip): void {
    const link = linkOf(vip);
    held.delete(vip.address);
    leasedUntil.delete(vip.address);
    if (!link) return;
    try {
      addresses.remove({
        family: vip.family,
        address: vip.address,
        prefixLength: vip.prefixLength,
        index: link.index,
      });
    } catch (error) {
      // Not there is what we wanted; anything else is told.
      if ((error as {code?: string}).code !== 'EADDRNOTAVAIL')
        say({type: 'event', level: 'error', code: 'release-failed', message: String(error)});
    }
  }

  function acquire(vrid: number): void | 'failed' {
    for (const vip of groupOf(vrid)?.vips ?? []) {
      const problem = put(vip, config.vipLease / 1_000);
      if (problem === undefined) continue;
      queue.push({
        type: 'acquire-failed',
        vrid,
        reason: `cannot put ${vip.address} on ${vip.device}: ${problem}`,
      });
      return 'failed';
    }
  }

  function fence(node: string): void {
    const child = spawn('/bin/sh', ['-c', `${config.fence} "$0"`, node], {
      stdio: 'ignore',
      timeout: FENCE_LIMIT,
    });
    child.on('error', (error) =>
      feed({type: 'fenced', ok: false, reason: `fence ${config.fence}: ${error.message}`}),
    );
    child.on('exit', (code, signal) =>
      feed({
        type: 'fenced',
        ok: code === 0,
        reason: `fence ${config.fence} ${node} ended with ${signal ?? code}`,
      }),
    );
  }

  // --------------------------------------------------------------------------------------------- what the kernel says

  function refresh(): void {
    links = addresses.links();
    transport.reopen(links);
    for (const device of new Set(config.groups.flatMap((group) => group.vips.map((vip) => vip.device)))) {
      const link = links.find((one) => one.name === device);
      const problem = !link
        ? `no interface ${device}`
        : !link.up
          ? `${device} is down`
          : link.running
            ? undefined
            : `${device} has no carrier`;
      feed(problem === undefined ? {type: 'device', device} : {type: 'device', device, problem});
    }
    lostLinks = config.trackInterfaces.filter(
      (name) => !links.some((link) => link.name === name && link.up && link.running),
    ).length;
    tellLost();
    const there = new Set(addresses.list().map((one) => `${one.index} ${one.address}`));
    for (const group of config.groups) {
      const role = state.groups.find((one) => one.vrid === group.vrid)?.role;
      const found = group.vips.map((vip) => there.has(`${linkOf(vip)?.index} ${vip.address}`));
      for (const [at, vip] of group.vips.entries())
        if (found[at]) held.add(vip.address);
        else held.delete(vip.address);
      if (role === 'Active' && found.includes(false)) feed({type: 'address-gone', vrid: group.vrid});
    }
  }
  // ------------------------------------------------------------------------------------------------- ping nodes

  const pinger = openPinger(process.pid & 0xffff);
  let targets = targetsOf(config.pings, config.pingGroups);
  let reach = startReach(targets, clock.now());
  let lost: readonly string[] = [];
  /** Failing scripts, as the supervisor says; interfaces without carrier, as the kernel does. */
  let [lostScripts, lostLinks] = [0, 0];
  // Without ipfail heartbeat only reports what it pings.
  const tellLost = (): void =>
    feed({type: 'reach', lost: (config.ipfail ? lost.length : 0) + lostScripts + lostLinks});
  let pinging: NodeJS.Timeout | undefined;
  function pingAll(): void {
    for (const {members} of targets)
      for (const member of members)
        try {
          const forget = pinger.ping(member, () => {
            reach = answered(reach, member, clock.now());
          });
          setTimeout(forget, config.deadping).unref();
        } catch {
          // No route: it does not answer, and that is all that is asked.
        }
    const now = clock.now();
    const names = lostTargets(reach, targets, config.deadping, now).map(({name}) => name);
    for (const name of names)
      if (!lost.includes(name))
        say({type: 'event', level: 'warn', code: 'ping-lost', message: `ping node ${name} does not answer`});
    for (const name of lost)
      if (!names.includes(name))
        say({type: 'event', level: 'info', code: 'ping-back', message: `ping node ${name} answers again`});
    lost = names;
    tellLost();
  }
  function startPings(): void {
    clearInterval(pinging);
    targets = targetsOf(config.pings, config.pingGroups);
    reach = startReach(targets, clock.now());
    lost = [];
    if (targets.length > 0) pinging = setInterval(pingAll, pingInterval(config.deadping));
    tellLost();
  }

  const saving = setInterval(saveSeen, SAVE_EVERY);
  const watch = watchNetlink(refresh);
  /** A claim of an address of ours by a machine that is not this one. */
  function claimed(index: number, address: string, mac: string, mark: bigint | undefined): void {
    for (const group of config.groups)
      for (const vip of group.vips) {
        const on = linkOf(vip)?.index;
        if (vip.address !== address || (index !== 0 && on !== index)) continue;
        if (links.some((link) => link.mac === mac)) continue;
        count('foreign-claims');
        feed({type: 'conflict', vrid: group.vrid, byPeer: mark === cluster});
      }
  }
  const arp = openArpWatch((index, frame) => {
    const decoded = decodeArp(frame);
    if (decoded.ok) claimed(index, decoded.value.spa, decoded.value.sha, decoded.value.mark);
  });
  const neighbours = openNaWatch((index, message) => {
    const decoded = decodeNa(message);
    if (decoded) claimed(index, decoded.target, decoded.mac, decoded.mark);
  });

  for (const group of config.groups) {
    const there = addresses.list();
    if (
      group.vips.some((vip) =>
        there.some((one) => one.address === vip.address && one.index === linkOf(vip)?.index),
      )
    )
      feed({type: 'found-address', vrid: group.vrid});
  }
  refresh();
  startPings();
  feed({type: 'tick'});

  function finish(): void {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    clearInterval(saving);
    clearInterval(pinging);
    pinger.close();
    sendAdverts();
    say({type: 'stopped'});
    watch.stop();
    arp.stop();
    neighbours.stop();
    transport.close();
    announcer.close();
    addresses.close();
    quit();
  }

  function status(): EngineStatus {
    const now = clock.now();
    return {
      pid: process.pid,
      node: config.node,
      realtime,
      groups: config.groups.map((group) => {
        const one = state.groups.find((other) => other.vrid === group.vrid);
        return {
          vrid: group.vrid,
          name: group.name,
          role: one?.role ?? 'Initialize',
          priority: one ? priorityOf(config, state, one) : 0,
          preferredNode: group.preferredNode,
          since: one?.since ?? now,
          vips: group.vips.map((vip) => {
            const until = leasedUntil.get(vip.address);
            return {
              address: vip.address,
              device: vip.device,
              held: held.has(vip.address),
              ...(until === undefined ? {} : {leaseLeft: Math.max(0, until - now)}),
            };
          }),
        };
      }),
      peers: state.peers.map((peer) => ({
        name: peer.name,
        state: !peer.known ? 'unknown' : !peer.alive ? 'dead' : peer.late ? 'late' : 'up',
        ...(peer.known ? {lastHeardAgo: now - peer.heardAt} : {}),
        ...(peer.advert
          ? {
              incarnation: String(peer.advert.incarnation),
              ready: peer.advert.ready,
              configDigest: peer.advert.digest.toString(16).padStart(16, '0'),
              addresses: sourcesOf(peer.advert.place),
            }
          : {}),
        groups: (peer.advert?.groups ?? []).map(({vrid, role, priority}) => ({vrid, role, priority})),
      })),
      paths: transport.paths.map((path, place) => {
        const [peer] = state.peers;
        const at = peer?.paths[place];
        const hears = at !== undefined && now - at < config.deadtime;
        return {
          name: path.name,
          hears,
          heard:
            peer?.alive === true &&
            hearsUs(config, state, peer) &&
            ((peer.advert?.heard ?? 0) & (1 << place)) !== 0,
          ...(at === undefined || at === -Infinity ? {} : {lastHeardAgo: now - at}),
          received: path.received,
          sent: path.sent,
          ...(path.error === undefined ? {} : {error: path.error}),
        };
      }),
      counters,
      vipLease: config.vipLease,
      vipRenewal: renewInterval(config),
      lateness: lateness.summary(),
      pings: targets.map(({name}) => ({name, answers: !lost.includes(name)})),
    };
  }

  function reconfigure(next: EngineConfig): void {
    const previous = config;
    // Addresses that went from a group that is held here must go from the interface.
    for (const group of previous.groups)
      for (const vip of group.vips)
        if (
          !next.groups.some((one) => one.vips.some((other) => other.address === vip.address)) &&
          held.has(vip.address)
        )
          drop(vip);
    config = next;
    cluster = shortHash(config.cluster);
    if (JSON.stringify(previous.paths) !== JSON.stringify(next.paths)) {
      transport.close();
      transport = openTransport(config.paths, links, onDatagram);
    }
    feed({type: 'configure', previous});
    const pinged = (one: EngineConfig): string => JSON.stringify([one.pings, one.pingGroups, one.deadping]);
    if (pinged(previous) !== pinged(next)) startPings();
  }

  return {
    receive: (message: Exclude<ToEngine, {type: 'configure'}>): void => {
      switch (message.type) {
        case 'prepared':
          return feed({type: 'prepared', vrid: message.vrid, ok: message.ok, reason: message.reason ?? ''});
        case 'readiness':
          return feed({type: 'readiness', ready: message.ready});
        case 'move':
          return feed({type: 'move', id: message.id, move: message.move, scope: message.scope});
        case 'give-up':
          return feed(message);
        case 'tracked':
          lostScripts = message.lost;
          return tellLost();
        case 'stop':
          return feed({type: 'stop', bequeath: false});
        case 'status':
          return say({type: 'status', id: message.id, status: status()});
      }
    },
    reconfigure,
    /** The supervisor is gone: hand over, or leave the addresses for the successor. */
    orphaned: (): void => feed({type: 'stop', bequeath: true}),
  };
}
