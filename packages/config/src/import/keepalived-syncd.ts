/** Converts the sync daemon of keepalived.conf to LVSSyncDaemonSwap. Pure. */
import type {ImportedGroup} from './imported.ts';
import {argumentOf, argumentsOf, ignored, quoteStatement} from './keepalived-block.ts';
import type {Instance} from './keepalived-instance.ts';
import type {VrrpTools} from './keepalived-tools.ts';
import type {Statement} from './keepalived-lines.ts';
import {isDevice, wholeNumber} from './words.ts';

/** A line of haresources and its instances. */
export interface Line {
  readonly members: readonly Instance[];
  readonly group: ImportedGroup;
}

/** Reads lvs_sync_daemon of global_defs, or the older lvs_sync_daemon_interface of an instance. */
export function addSyncDaemons(
  lines: readonly Line[],
  all: readonly Instance[],
  line: Statement | undefined,
  tools: VrrpTools,
): ImportedGroup[] {
  const {notes} = tools;
  const groups = lines.map(({group}) => group);
  const olderForm = all.flatMap((instance) =>
    instance.syncLine ? [{instance: instance, line: instance.syncLine}] : [],
  );
  const lineOf = (instance: Instance | undefined): number =>
    Math.max(0, instance ? lines.findIndex(({members}) => members.includes(instance)) : 0);
  const [oldest] = line ? [] : olderForm;
  for (const {line: statement} of olderForm)
    if (statement !== oldest?.line)
      notes.omitted(
        statement.span,
        quoteStatement(statement),
        'there is only one sync daemon: another line counts',
      );
  if (oldest) {
    const device = argumentOf(oldest.line);
    if (!isDevice(device)) {
      notes.lost(
        oldest.line.span,
        quoteStatement(oldest.line),
        'not an interface: connections are not synchronized',
      );
      return groups;
    }
    const {id} = oldest.instance;
    notes.exact(
      oldest.line.span,
      quoteStatement(oldest.line),
      `haresources: LVSSyncDaemonSwap::master::${device}::${id}`,
    );
    return groups.map((group, index) =>
      index === lineOf(oldest.instance) ? {...group, sync: {device, id}} : group,
    );
  }
  if (!line) return groups;
  const {device, instance, id, missing, words} = readSyncDaemon(line, all, tools);
  if (!isDevice(device) || missing !== undefined) {
    const problem = missing === undefined ? 'not an interface' : `no vrrp_instance ${missing}`;
    ignored(
      line.words[1] ?? line,
      'bad-value',
      `${quoteStatement(line)}: ${problem}`,
      'the import leaves it out; write lvs_sync_daemon INTERFACE INSTANCE id NUMBER, from 0 to 255',
      tools,
    );
    notes.lost(line.span, quoteStatement(line), `${problem}: connections are not synchronized`);
    return groups;
  }
  const extra = ['maxlen', 'port', 'ttl', 'group'].filter((word) => words.includes(word));
  if (extra.length > 0)
    notes.approximated(
      line.span,
      quoteStatement(line),
      `haresources: LVSSyncDaemonSwap::master::${device}::${id}, without ${extra.join(', ')}`,
    );
  else
    notes.exact(line.span, quoteStatement(line), `haresources: LVSSyncDaemonSwap::master::${device}::${id}`);
  return groups.map((group, index) => (index === lineOf(instance) ? {...group, sync: {device, id}} : group));
}

/** Options with a value. */
const valued: ReadonlySet<string> = new Set(['inst', 'id', 'maxlen', 'port', 'ttl', 'group']);

/** The values of each option, at any position. */
const optionsOf = (words: readonly string[]): ReadonlyMap<string, readonly string[]> =>
  words.reduce<{readonly found: Map<string, string[]>; readonly isValue: boolean}>(
    ({found, isValue}, word, index) => {
      if (isValue || !valued.has(word)) return {found, isValue: false};
      const value = words[index + 1];
      if (value !== undefined) found.set(word, [...(found.get(word) ?? []), value]);
      return {found, isValue: true};
    },
    {found: new Map(), isValue: false},
  ).found;

/**
 * `IF [inst] INSTANCE [id] NUMBER`, and options. An invalid sync id is replaced by the instance's router id. `missing`: name
 * of an instance that does not exist.
 */
function readSyncDaemon(
  line: Statement,
  all: readonly Instance[],
  tools: VrrpTools,
): {
  readonly device: string;
  readonly instance?: Instance;
  readonly id: number;
  readonly missing?: string;
  readonly words: readonly string[];
} {
  const [device = '', ...words] = argumentsOf(line);
  const options = optionsOf(words);
  const [first, second] = words;
  const isWord = (word: string | undefined): boolean => word !== undefined && !valued.has(word);
  // The older form has no option names: position counts.
  const name = options.get('inst')?.[0] ?? (isWord(first) ? first : undefined);
  const written = options.get('id')?.at(-1) ?? (isWord(first) && isWord(second) ? second : undefined);
  const instance = all.find((instance) => instance.name === name);
  const id = written === undefined ? undefined : wholeNumber(written, 0, 255);
  if (written !== undefined && id === undefined)
    ignored(
      line,
      'bad-value',
      `"${written}" is not a sync id: keepalived uses the router id of the instance`,
      'the import does too; write id NUMBER, from 0 to 255',
      tools,
    );
  return {
    device,
    ...(instance ? {instance} : {}),
    id: id ?? instance?.id ?? 0,
    ...(name !== undefined && !instance ? {missing: name} : {}),
    words,
  };
}
