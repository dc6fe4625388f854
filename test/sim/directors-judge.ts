/** Invariants of two whole directors. The first violation ends the run. */
import {speaksFor} from '../../src/roles/slice.ts';
import type {CoreEffect} from '../../src/daemon/core.ts';
import type {Directors} from './directors.ts';
import {addresses, CHECK_INTERVAL, servers, tableOf, type Files, type Override} from './farm.ts';

export interface DirectorsViolation {
  readonly rule:
    'table' | 'override' | 'mails' | 'fallback' | 'speaks' | 'roles' | 'no-holder' | 'two-holders' | 'ready';
  readonly at: number;
  readonly text: string;
}

/** Settling time after a disturbance: a round of checks, an audit, an exchange. */
export const calmAfter = ({keepalive}: Files): number => 14_000 + 4 * CHECK_INTERVAL + keepalive * 40;

/** Settling time of roles: the peer's are known from its status, twice a second; fallback commands follow at once. */
const AFTER_MOVE = 2_000;

/** `pair` is a function because the pair needs the observers first. */
export function makeDirectorsJudge(files: Files) {
  const calm = calmAfter(files);
  const deadtime = files.keepalive * 5;
  const neither = 3.5 * deadtime + 4 * files.keepalive + 1_000;
  let pair: Directors | undefined;
  let violation: DirectorsViolation | undefined;
  let disturbedAt = 0;
  /** Current disturbances during which an address or a table may be missing. */
  let causes = 0;
  let excusedUntil = 0;
  /** When a group last moved: a return after a hold-off happens long after its cause. */
  let movedAt = 0;
  const noneFor = addresses.map(() => 0);
  const bothFor = addresses.map(() => 0);
  /** Accepted overrides of operators: the latest per server and kind. */
  const ordered = new Map<string, Override>();
  const mails: {place: number; text: string; at: number}[] = [];
  const changes: {at: number; address: string; up: boolean}[] = [];
  const commands = [new Map<string, boolean>(), new Map<string, boolean>()] as const;

  const wrong = (rule: DirectorsViolation['rule'], text: string): void => {
    violation ??= {rule, at: pair?.world.now ?? 0, text};
  };
  const override = (address: string): Override =>
    ordered.get(address) ?? {drained: false, maintenance: false};
  const inBoth = (index: number): boolean =>
    pair?.sides.every(({disk}) => disk.files.lines.includes(index)) ?? false;

  /** Called for a span of time in which nothing changed. */
  function passed(from: number, to: number): void {
    if (!pair || violation) return;
    for (const index of addresses.keys()) {
      const count = pair.world.holders(index).length;
      const judged = causes === 0 && from > excusedUntil;
      noneFor[index] = judged && count === 0 && inBoth(index) ? (noneFor[index] ?? 0) + to - from : 0;
      bothFor[index] = judged && count > 1 ? (bothFor[index] ?? 0) + to - from : 0;
      if ((noneFor[index] ?? 0) > neither)
        wrong('no-holder', `${addresses[index]} on no director for ${noneFor[index]?.toFixed(0)} ms`);
      if ((bothFor[index] ?? 0) > 3 * files.keepalive)
        wrong('two-holders', `${addresses[index]} on both for ${bothFor[index]?.toFixed(0)} ms`);
    }
  }

  function observe(place: number, effect: CoreEffect): void {
    const at = pair?.world.now ?? 0;
    if (effect.type === 'transition') movedAt = at;
    if (effect.type === 'mail') mails.push({place, text: `${effect.mail.subject}\n${effect.mail.text}`, at});
    if (effect.type === 'fallback-command')
      commands[place]?.set(effect.virtual, effect.line.includes(' start '));
  }

  /** Checks every invariant in full, at rest. */
  async function inspect(): Promise<void> {
    if (!pair || violation || causes > 0 || pair.world.now - disturbedAt < calm) return;
    if (pair.world.now - movedAt < AFTER_MOVE) return;
    const {sides, world} = pair;
    for (const [place, side] of sides.entries()) {
      const {state} = side;
      const engine = world.nodes[place]?.state;
      if (!state || !engine) continue;
      // oxlint-disable-next-line no-await-in-loop -- sequential.
      await inspectTable(place);
      const roles = [...state.roles.roles].filter(([, role]) => role === 'Active').map(([vrid]) => vrid);
      const real = engine.groups.filter(({role}) => role === 'Active').map(({vrid}) => vrid);
      if (roles.length !== real.length || roles.some((vrid) => !real.includes(vrid)))
        wrong(
          'roles',
          `${side.node} believes that ${roles.join(' ') || 'nothing'} is Active, it is ${real.join(' ')}`,
        );
      if (!state.roles.readiness.ready) wrong('ready', `${side.node}: ${state.roles.readiness.reason}`);
    }
    for (const [index, address] of addresses.entries()) inspectService(index, address);
  }

  async function inspectTable(place: number): Promise<void> {
    const table = await pair?.table(place);
    for (const vip of addresses) {
      const virtual = `tcp ${vip}:80`;
      const isUp = ({id}: {id: string}): boolean => pair?.truth.get(id) ?? false;
      const text = (weights: Readonly<Record<string, number>>): string =>
        Object.entries(weights)
          .map(([address, weight]) => `${address} ${weight}`)
          .toSorted((one, other) => one.localeCompare(other))
          .join(', ');
      const expected = text(tableOf(virtual, isUp, override));
      const found = text(table?.get(virtual) ?? {});
      if (found === expected) continue;
      const overridden = servers.some((server) => server.virtual === virtual && ordered.has(server.address));
      wrong(
        overridden ? 'override' : 'table',
        `director${place + 1}: ${virtual} is ${found}, expected ${expected}`,
      );
    }
  }

  function inspectService(index: number, address: string): void {
    if (!pair) return;
    const virtual = `tcp ${address}:80`;
    const holders = pair.world.holders(index);
    const listed = pair.sides.map(({disk}) => disk.files.lines.includes(index));
    if (listed.every(Boolean) && holders.length !== 1)
      wrong(
        holders.length > 1 ? 'two-holders' : 'no-holder',
        `${address} on ${holders.length} directors at rest`,
      );
    if (!listed.some(Boolean) && holders.length > 0)
      wrong('two-holders', `${address} is left on director${(holders[0] ?? 0) + 1}`);
    const speakers = pair.sides.filter(({state}) => state && speaksFor(state.roles, address));
    // While the configurations differ, the directors may disagree about which comes first.
    if (listed[0] === listed[1] && speakers.length !== 1)
      wrong('speaks', `${speakers.length} directors speak for ${virtual}`);
    const all = servers.filter((server) => server.virtual === virtual);
    const serves = all.some(({id, address: real}) => {
      const {drained, maintenance} = override(real);
      return pair?.truth.get(id) && !drained && !maintenance;
    });
    for (const [place, running] of commands.entries()) {
      const wanted = !serves && listed.every(Boolean) && holders.includes(place);
      if (listed.every(Boolean) && (running.get(virtual) ?? false) !== wanted)
        wrong(
          'fallback',
          `director${place + 1}: the fallback command of ${virtual} is ${wanted ? 'not ' : ''}running`,
        );
    }
  }

  /** A change while undisturbed is mailed once, by one director. */
  function inspectMails(): void {
    const now = pair?.world.now ?? 0;
    for (const change of changes.splice(0)) {
      if (now - change.at < calm) {
        changes.push(change);
        continue;
      }
      const about = mails.filter(({text, at}) => at >= change.at && text.includes(`${change.address}:80`));
      const senders = new Set(about.map(({place}) => place));
      if (senders.size !== 1)
        wrong('mails', `${change.address} ${change.up ? 'up' : 'down'}: mailed by ${senders.size} directors`);
    }
  }

  return {
    observe,
    passed,
    inspect: async (): Promise<void> => {
      inspectMails();
      await inspect();
    },
    watch: (one: Directors): void => {
      pair = one;
    },
    /** A disturbance; `cost`: while it lasts an address or a table may be missing. */
    begins: (cost: boolean): void => {
      disturbedAt = pair?.world.now ?? 0;
      if (!cost) return;
      causes += 1;
      // Mails are not checked if their director was disturbed.
      changes.length = 0;
    },
    ends: (cost: boolean): void => {
      disturbedAt = pair?.world.now ?? 0;
      if (!cost) return;
      causes -= 1;
      excusedUntil = disturbedAt + neither + 10 * files.keepalive + 1_000;
    },
    /** A supervisor restarted: it does not know its predecessor's commands. */
    restarted: (place: number): void => commands[place]?.clear(),
    flipped: (address: string, up: boolean): void => {
      const now = pair?.world.now ?? 0;
      const {drained, maintenance} = override(address);
      for (const change of changes.filter((change) => change.address === address))
        changes.splice(changes.indexOf(change), 1);
      if (causes === 0 && now - disturbedAt >= calm && !drained && !maintenance)
        changes.push({at: now, address, up});
    },
    ordered: (address: string, change: Partial<Override>): void => {
      ordered.set(address, {...override(address), ...change});
    },
    disturbed: (): void => {
      disturbedAt = pair?.world.now ?? 0;
      changes.length = 0;
    },
    get violation(): DirectorsViolation | undefined {
      return violation;
    },
  };
}
