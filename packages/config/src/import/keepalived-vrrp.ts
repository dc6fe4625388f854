/** vrrp_instance and vrrp_sync_group of keepalived.conf: what becomes of them in ha.cf, haresources and authkeys. Pure. */
import type {ImportedGroup, ImportedPair} from './imported.ts';
import {argumentOf, argumentsOf, blockOf, listed, quoteStatement} from './keepalived-block.ts';
import {GROUP, PORT, takeInstance, unused, type Instance, type VrrpTools} from './keepalived-instance.ts';
import type {Statement} from './keepalived-lines.ts';
import {takeNotify} from './keepalived-notify.ts';
import {isDevice} from './words.ts';

/** A line of haresources and the instances that it stands for. */
interface Line {
  readonly members: readonly Instance[];
  readonly group: ImportedGroup;
}

export function takeVrrp(
  instances: readonly Statement[],
  syncGroups: readonly Statement[],
  syncDaemon: Statement | undefined,
  tools: VrrpTools,
): ImportedPair | undefined {
  const {book, context, reporter} = tools;
  const all = instances.map((statement) => takeInstance(statement, tools));
  const [first] = all;
  if (!first) {
    for (const group of syncGroups) book.not(group.span, quoteStatement(group), 'there is no vrrp_instance');
    if (syncDaemon)
      book.not(
        syncDaemon.span,
        quoteStatement(syncDaemon),
        'connections are synchronised between two directors: there is no vrrp_instance',
      );
    return undefined;
  }
  const used = new Set<string>();
  const seen = new Map<string, string>();
  const groupOf = (members: readonly Instance[], scripts: readonly string[]): ImportedGroup => ({
    node: members[0]?.isOurs === false ? context.peer : context.node,
    vips: members.flatMap((member) =>
      member.vips.filter(({address}) => {
        const other = seen.get(address);
        if (other !== undefined)
          book.not(member.statement.span, address, `instance ${other} has this address already`);
        else seen.set(address, member.name);
        return other === undefined;
      }),
    ),
    scripts: [
      ...members.flatMap((member) => (member.script === undefined ? [] : [member.script])),
      ...scripts,
    ],
  });
  const lines: Line[] = [];
  for (const statement of syncGroups) {
    const block = blockOf(statement.block ?? [], tools);
    const words = listed(block.last('group'));
    const script = takeNotify(block, argumentOf(statement), 'GROUP', tools);
    block.finish(unused, 'hactl has no such setting');
    const members = words.flatMap((word) => {
      const member = all.find((one) => one.name === word.text);
      if (!member)
        reporter.error(
          'unresolved-name',
          word.span,
          `there is no vrrp_instance ${word.text}`,
          'the names in a group are those of vrrp_instance lines',
        );
      if (!member || used.has(member.name)) return [];
      used.add(member.name);
      return [member];
    });
    if (members.length === 0) continue;
    if (members.some((one) => one.isOurs !== members[0]?.isOurs))
      book.approximated(
        statement.span,
        quoteStatement(statement),
        `haresources: one line; its instances prefer different nodes, ${members[0]?.name} decides`,
      );
    else
      book.exact(
        statement.span,
        quoteStatement(statement),
        'haresources: one line, its addresses move together',
      );
    lines.push({members, group: groupOf(members, script === undefined ? [] : [script])});
  }
  for (const instance of all.filter((one) => !used.has(one.name)))
    lines.push({members: [instance], group: groupOf([instance], [])});
  const advert = Math.min(...all.map((one) => one.advert));
  if (all.some((one) => one.advert !== advert))
    book.approximated(
      first.statement.span,
      'advert_int',
      `the instances differ: ha.cf has one keepalive for the pair, the shortest (${advert} ms)`,
    );
  if (all.some((one) => one.isHeld !== first.isHeld))
    book.approximated(
      first.statement.span,
      'nopreempt',
      `the instances differ: ha.cf has one auto_failback for the pair (${all.every((one) => one.isHeld) ? 'off' : 'on'})`,
    );
  const delays = all.flatMap((one) => one.delay ?? []);
  const secret = all.find((one) => one.secret !== undefined)?.secret;
  // An instance without addresses has no line, unless it is the only one: ldirectord needs a line to stand in.
  const full = lines.filter(({group}) => group.vips.length > 0 || group.scripts.length > 0);
  const kept = full.length > 0 ? full : lines.slice(0, 1);
  return {
    nodes: [context.node, context.peer],
    media: takeMedia(all),
    keepalive: advert,
    deadtime: Math.max(...all.filter((one) => one.advert === advert).map((one) => one.down)),
    autoFailback: !all.every((one) => one.isHeld),
    ...(delays.length === 0 ? {} : {preemptDelay: Math.max(...delays)}),
    groups: takeSyncDaemon(kept, syncDaemon, tools),
    ...(secret === undefined ? {} : {secret}),
  };
}

function takeMedia(all: readonly Instance[]): ImportedPair['media'] {
  const media: ImportedPair['media'][number][] = [];
  for (const {device, peers} of all) {
    const [peer] = peers;
    if (peer === undefined) {
      if (!media.some((one) => one.kind === 'mcast' && one.device === device))
        media.push({kind: 'mcast', device, group: GROUP, port: PORT, ttl: 1, loop: false});
    } else if (!media.some((one) => one.kind === 'ucast' && one.peer === peer))
      media.push({kind: 'ucast', device, peer, port: PORT});
  }
  return media;
}

function takeSyncDaemon(
  lines: readonly Line[],
  line: Statement | undefined,
  tools: VrrpTools,
): ImportedGroup[] {
  const groups = lines.map(({group}) => group);
  if (!line) return groups;
  const {book, reporter} = tools;
  const words = argumentsOf(line);
  const [device = ''] = words;
  if (!isDevice(device)) {
    reporter.error(
      'bad-value',
      line.words[1]?.span ?? line.span,
      `"${device}" is not an interface`,
      'lvs_sync_daemon INTERFACE INSTANCE id NUMBER',
    );
    return groups;
  }
  const instance = lines.flatMap(({members}) => members).find((one) => words.slice(1).includes(one.name));
  const idWord = words.indexOf('id') === -1 ? undefined : words[words.indexOf('id') + 1];
  const id = idWord === undefined ? (instance?.id ?? 0) : Number(idWord);
  if (!Number.isInteger(id) || id < 0 || id > 255) {
    reporter.error('bad-value', line.span, `"${idWord}" is not a sync id`, 'a number from 0 to 255');
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
  const at = Math.max(0, instance ? lines.findIndex(({members}) => members.includes(instance)) : 0);
  return groups.map((group, place) => (place === at ? {...group, sync: {device, id}} : group));
}
