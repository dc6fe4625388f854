/**
 * Requests from a client or from the peer: every field is validated before anything is executed, and the error says what was
 * expected. Unknown fields are ignored: a newer hactl may send more. Pure.
 */
import {CommandError} from './error.ts';
import type {PeerCommand, PeerCommandName} from './peer-commands.ts';
import type {Command, CommandName, OrderAction} from './protocol.ts';

interface Field {
  /** For the error message: "expected …". */
  readonly expected: string;
  readonly fits: (value: unknown) => boolean;
}
type Fields = Readonly<Record<string, Field>>;

/** Maximum length of names and reasons. */
const NAME_MOST = 255;
const REASON_MOST = 500;
/** Linux' PATH_MAX. */
const PATH_MOST = 4_096;
/** Maximum real servers in one override, and files in one push. */
const REALS_MOST = 1_000;
const FILES_MOST = 200;
const FILE_MOST = 4 << 20;
/** Maximum wait for an event, in ms: the journal's own limit is shorter. */
const WAIT_MOST = 60_000;

const text = (most: number, expected = `a text of 1 to ${most} characters`): Field => ({
  expected,
  fits: (value) => typeof value === 'string' && value.length > 0 && value.length <= most,
});
const upTo = (most: number): Field => ({
  expected: `a text of at most ${most} characters`,
  fits: (value) => typeof value === 'string' && value.length <= most,
});
const whole = (least: number, most: number, expected = `a whole number from ${least} to ${most}`): Field => ({
  expected,
  fits: (value) => Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most,
});
const finite: Field = {expected: 'a number', fits: (value) => Number.isFinite(value)};
const BOOLEAN: Field = {expected: 'true or false', fits: (value) => typeof value === 'boolean'};
const word = <W extends string>(...words: readonly W[]): Field => ({
  expected: `one of ${words.join(', ')}`,
  fits: (value) => words.some((known) => known === value),
});
const optional = ({expected, fits}: Field): Field => ({
  expected: `${expected}, or nothing`,
  fits: (value) => value === undefined || fits(value),
});
const list = (most: number, {expected, fits}: Field, least = 0): Field => ({
  expected: `a list of ${least} to ${most}, each ${expected}`,
  fits: (value) =>
    Array.isArray(value) &&
    value.length >= least &&
    value.length <= most &&
    value.every((item) => fits(item)),
});
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const record = (fields: Fields): Field => ({
  expected: `an object with ${Object.keys(fields).join(', ')}`,
  fits: (value) =>
    isRecord(value) && Object.entries(fields).every(([name, field]) => field.fits(value[name])),
});

const COUNT = whole(0, Number.MAX_SAFE_INTEGER, 'a whole number');
/** Kinds unknown to this version match nothing, without an error. */
const events = (wait: Fields): Fields => ({
  since: optional(finite),
  after: optional(COUNT),
  kinds: optional(list(100, text(NAME_MOST))),
  match: optional(upTo(NAME_MOST)),
  limit: optional(COUNT),
  ...wait,
});

const orderActions: Readonly<Record<OrderAction, true>> = {
  drain: true,
  undrain: true,
  weight: true,
  'weight-reset': true,
  'maintenance-on': true,
  'maintenance-off': true,
};

const requests: {readonly [K in CommandName]: Fields} = {
  status: {},
  reload: {},
  resync: {},
  plan: {},
  'config-history': {},
  events: events({wait: optional(whole(0, WAIT_MOST))}),
  // The forwarded request is validated by the peer's own table, below.
  peer: {ask: {expected: 'a command of the peer', fits: isRecord}},
  push: {dryRun: BOOLEAN, keys: BOOLEAN},
  'config-diff': {a: optional(COUNT), b: optional(COUNT), peer: optional(BOOLEAN)},
  'config-rollback': {version: COUNT},
  'config-read': {},
  'config-write': {
    dryRun: BOOLEAN,
    files: list(FILES_MOST, record({name: text(PATH_MOST), text: upTo(FILE_MOST), base: text(NAME_MOST)}), 1),
    who: text(NAME_MOST),
  },
  move: {move: word('standby', 'takeover', 'failback'), scope: word('local', 'foreign', 'all')},
  resource: {action: word('list', 'start', 'stop', 'status'), name: optional(text(REASON_MOST))},
  order: {
    action: word(...Object.keys(orderActions)),
    reals: list(REALS_MOST, text(NAME_MOST), 1),
    virtual: optional(text(NAME_MOST)),
    weight: optional(finite),
    who: text(NAME_MOST),
    reason: optional(upTo(REASON_MOST)),
  },
};

/** A part of file names of the push journal. */
const id: Field = {
  expected: 'letters and digits, 64 at most',
  fits: (value) => typeof value === 'string' && /^[\da-z]{1,64}$/i.test(value),
};
const peerRequests: {readonly [K in PeerCommandName]: Fields} = {
  status: {},
  facts: {},
  // While waiting it would occupy one of the channel's few places.
  events: events({
    wait: {expected: 'nothing: the peer is not asked to wait', fits: (value) => value === undefined},
  }),
  // Overrides are validated one by one where they are stored.
  orders: {state: {expected: 'an object with orders and ended', fits: isRecord}},
  'push-prepare': {
    id,
    dryRun: BOOLEAN,
    files: list(
      FILES_MOST,
      record({
        name: text(NAME_MOST),
        text: upTo(FILE_MOST),
        mode: whole(0, 0o7777),
      }),
      1,
    ),
  },
  'push-commit': {id},
  'push-abort': {id},
  'push-undo': {id},
  'push-outcome': {id},
};

/** The value, shortened for a message, and without the contents of a file. */
const shown = (value: unknown): string => {
  if (value === undefined) return 'missing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  const words = JSON.stringify(value);
  return words.length <= 40 ? words : `${words.slice(0, 39)}…`;
};

/** Throws a CommandError for the first invalid field. */
function validate(name: string, fields: Fields, value: Readonly<Record<string, unknown>>): void {
  for (const [key, {expected, fits}] of Object.entries(fields))
    if (!fits(value[key]))
      throw new CommandError(
        'bad-request',
        `${name}: "${key}" is ${shown(value[key])}; expected ${expected}`,
      );
}

function nameOf(value: unknown): string {
  if (!isRecord(value))
    throw new CommandError('bad-request', `a request is an object; this is ${shown(value)}`);
  if (typeof value.command !== 'string')
    throw new CommandError(
      'bad-request',
      `"command" is ${shown(value.command)}; expected the name of a command`,
    );
  return value.command;
}

/** A request of the control socket; throws a CommandError with the code unknown-command or bad-request. */
export function readCommand(value: unknown): Command {
  const name = nameOf(value);
  if (!Object.hasOwn(requests, name))
    throw new CommandError('unknown-command', `unknown command ${shown(name)}; expected one of ${Object.keys(requests).join(', ')}`); // prettier-ignore
  const command = value as Command;
  validate(name, requests[command.command], value as Readonly<Record<string, unknown>>);
  if (command.command === 'resource' && command.action !== 'list')
    validate(name, {name: text(REASON_MOST)}, {name: command.name});
  if (command.command === 'peer') readPeerCommand(command.ask);
  return command;
}

/** A request of the peer; throws a CommandError with the code not-for-peers or bad-request. */
export function readPeerCommand(value: unknown): PeerCommand {
  const name = nameOf(value);
  if (!Object.hasOwn(peerRequests, name))
    throw new CommandError('not-for-peers', `the peer may not ask for ${shown(name)}`);
  const command = value as PeerCommand;
  validate(name, peerRequests[command.command], value as Readonly<Record<string, unknown>>);
  return command;
}
