/** Pings the ping nodes and ping groups of ha.cf, and reports which do not answer. */
import {openPinger} from '@hactl/net';
import {answered, lostTargets, pingInterval, startReach, targetsOf} from '../tracking.ts';
import type {Shared} from './current.ts';

/** `changed`: the number of silent targets may have changed. */
export function makePings({current, clock, send}: Shared, changed: () => void) {
  const pinger = openPinger(process.pid & 0xffff);
  let targets = targetsOf(current.config.pings, current.config.pingGroups);
  let reach = startReach(targets, clock.now());
  let lost: readonly string[] = [];
  let timer: NodeJS.Timeout | undefined;

  function pingMember(member: string): void {
    try {
      const forget = pinger.ping(member, () => {
        reach = answered(reach, member, clock.now());
      });
      setTimeout(forget, current.config.deadping).unref();
    } catch {
      // No route: it counts as not answering.
    }
  }

  function pingAll(): void {
    for (const {members} of targets) for (const member of members) pingMember(member);
    const names = lostTargets(reach, targets, current.config.deadping, clock.now()).map(({name}) => name);
    for (const name of names)
      if (!lost.includes(name))
        send({type: 'event', level: 'warn', code: 'ping-lost', message: `ping node ${name} does not answer`});
    for (const name of lost)
      if (!names.includes(name))
        send({type: 'event', level: 'info', code: 'ping-back', message: `ping node ${name} answers again`});
    lost = names;
    changed();
  }

  function start(): void {
    clearInterval(timer);
    targets = targetsOf(current.config.pings, current.config.pingGroups);
    reach = startReach(targets, clock.now());
    lost = [];
    if (targets.length > 0) timer = setInterval(pingAll, pingInterval(current.config.deadping));
    changed();
  }

  return {
    start,
    /** Without ipfail heartbeat only reports what it pings. */
    down: (): number => (current.config.ipfail ? lost.length : 0),
    status: () => targets.map(({name}) => ({name, answers: !lost.includes(name)})),
    stop: (): void => {
      clearInterval(timer);
      pinger.close();
    },
  };
}
