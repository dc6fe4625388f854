/** Journals of a pair, as two supervisors would write them. */
import type {EventKind, JournalEvent} from '../../control/events.ts';

export const NOON = Date.UTC(2026, 10, 21, 12, 0, 0);
const GROUP = 'IPaddr2::10.0.0.100/24/eth0';

/** Makes the events of one node; times are milliseconds after noon by its own clock. */
export function journalOf(node: string, clockAhead = 0) {
  const events: JournalEvent[] = [];
  const add = (
    time: number,
    kind: EventKind,
    text: string,
    data?: JournalEvent['data'],
    level: JournalEvent['level'] = 'info',
    subject = 'x',
  ): void => {
    const more = data === undefined ? {} : {data};
    const wall = NOON + time + clockAhead;
    events.push({
      v: 1,
      seq: events.length + 1,
      wall,
      mono: 50_000 + time,
      node,
      kind,
      level,
      subject,
      text,
      ...more,
    });
  };
  const role = (time: number, from: string, to: string, reason: string, group = GROUP): void =>
    add(time, 'role', `${group}: ${from} -> ${to}: ${reason}`, {vrid: 1, from, to, reason}, 'info', group);
  const dead = (time: number, peer: string, silence: number): void =>
    add(
      time,
      'peer',
      `${peer} is silent for ${silence} ms: dead`,
      {code: 'peer-dead', silence},
      'warn',
      peer,
    );
  const deaf = (time: number, path: string, lastHeard: number): void =>
    add(
      time,
      'path',
      `${path}: deaf`,
      {hears: false, lastHeard: NOON + lastHeard + clockAhead},
      'warn',
      path,
    );
  return {node, events, add, role, dead, deaf};
}

/** director1 serves, then its machine loses power; director2 takes over within a second. */
export function powerLoss(clockAhead = 0) {
  const first = journalOf('director1');
  first.add(-600_000, 'daemon', 'hactld 0.1.0 starts with /etc/ha.d');
  first.role(-590_000, 'Initialize', 'Backup', 'all nodes are heard');
  first.role(-589_999, 'Backup', 'Active', 'no director holds it');
  first.add(-5_000, 'config', 'configuration reloaded: no change');
  const two = journalOf('director2', clockAhead);
  two.add(-600_000, 'daemon', 'hactld 0.1.0 starts with /etc/ha.d');
  two.role(-590_000, 'Initialize', 'Backup', 'all nodes are heard');
  two.add(
    -500,
    'peer',
    'late heartbeat: director1 is silent for 500 ms',
    {code: 'late-heartbeat', silence: 500},
    'warn',
    'director1',
  );
  two.dead(0, 'director1', 1_004);
  two.role(3, 'Backup', 'Active', 'director1 is dead');
  two.deaf(400, 'mcast eth0', -1_004);
  two.deaf(400, 'ucast eth1', -1_010);
  two.add(700, 'check', 'tcp 10.0.0.100:80 > 10.0.0.12:80 is down: refused', undefined, 'warn');
  return {one: first, two};
}
