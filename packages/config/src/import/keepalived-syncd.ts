/** The sync daemon of keepalived.conf as LVSSyncDaemonSwap. Pure. */
import type {ImportedGroup} from './imported.ts';
import {argumentOf, argumentsOf, ignored, quoteStatement} from './keepalived-block.ts';
import type {Instance} from './keepalived-instance.ts';
import type {VrrpTools} from './keepalived-tools.ts';
import type {Statement} from './keepalived-lines.ts';
import {isDevice} from './words.ts';

/** A line of haresources and the instances that it stands for. */
export interface Line {
  readonly members: readonly Instance[];
  readonly group: ImportedGroup;
}

/** lvs_sync_daemon of global_defs, or the older lvs_sync_daemon_interface of an instance: the same. */
export function takeSyncDaemons(
  lines: readonly Line[],
  all: readonly Instance[],
  line: Statement | undefined,
  tools: VrrpTools,
): ImportedGroup[] {
  const {book} = tools;
  const groups = lines.map(({group}) => group);
  const old = all.flatMap((instance) =>
    instance.syncLine ? [{instance: instance, line: instance.syncLine}] : [],
  );
  const place = (instance: Instance | undefined): number =>
    Math.max(0, instance ? lines.findIndex(({members}) => members.includes(instance)) : 0);
  const [oldest] = line ? [] : old;
  for (const {line: statement} of old)
    if (statement !== oldest?.line)
      book.not(statement.span, quoteStatement(statement), 'there is one sync daemon: another line says it');
  if (oldest) {
    const device = argumentOf(oldest.line);
    if (!isDevice(device)) {
      book.lost(
        oldest.line.span,
        quoteStatement(oldest.line),
        'not an interface: connections are not synchronised',
      );
      return groups;
    }
    const {id} = oldest.instance;
    book.exact(
      oldest.line.span,
      quoteStatement(oldest.line),
      `haresources: LVSSyncDaemonSwap::master::${device}::${id}`,
    );
    return groups.map((group, index) =>
      index === place(oldest.instance) ? {...group, sync: {device, id}} : group,
    );
  }
  if (!line) return groups;
  const words = argumentsOf(line);
  const [device = ''] = words;
  const instance = all.find((instance) => words.slice(1).includes(instance.name));
  const idWord = words.indexOf('id') === -1 ? undefined : words[words.indexOf('id') + 1];
  const id = idWord === undefined ? (instance?.id ?? 0) : Number(idWord);
  if (!isDevice(device) || !Number.isInteger(id) || id < 0 || id > 255) {
    ignored(
      line.words[1] ?? line,
      'bad-value',
      `${quoteStatement(line)}: ${isDevice(device) ? 'not a sync id' : 'not an interface'}`,
      'the import leaves it out: lvs_sync_daemon INTERFACE INSTANCE id NUMBER, from 0 to 255',
      tools,
    );
    book.lost(line.span, quoteStatement(line), 'it cannot be read: connections are not synchronised');
    return groups;
  }
  const extra = ['maxlen', 'port', 'ttl', 'group'].filter((word) => words.includes(word));
  if (extra.length > 0)
    book.approximated(
      line.span,
      quoteStatement(line),
      `haresources: LVSSyncDaemonSwap::master::${device}::${id}, without ${extra.join(', ')}`,
    );
  else
    book.exact(line.span, quoteStatement(line), `haresources: LVSSyncDaemonSwap::master::${device}::${id}`);
  return groups.map((group, index) => (index === place(instance) ? {...group, sync: {device, id}} : group));
}
