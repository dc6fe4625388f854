/** Converts vrrp_instance and vrrp_sync_group of keepalived.conf to ha.cf, haresources and authkeys. Pure. */
import type {Vip} from '../model.ts';
import type {ImportedGroup, ImportedPair} from './imported.ts';
import {argumentOf, blockOf, flagOf, ignored, listed, quoteStatement} from './keepalived-block.ts';
import {GROUP, PORT, serious, parseInstance, unused, type Instance} from './keepalived-instance.ts';
import {OWNER} from './keepalived-election.ts';
import {WEIGHT, type VrrpTools} from './keepalived-tools.ts';
import type {Statement} from './keepalived-lines.ts';
import {convertNotify} from './keepalived-notify.ts';
import {downInterval, peerOf, preferenceOf, type PeerInstance, type Preference} from './keepalived-pair.ts';
import {addSyncDaemons, type Line} from './keepalived-syncd.ts';
import {parseTracked, convertTracked, trackedInterfaces, type Tracked} from './keepalived-track.ts';

export interface VrrpParts {
  readonly instances: readonly Statement[];
  readonly syncGroups: readonly Statement[];
  readonly scripts: readonly Statement[];
  readonly processes: readonly Statement[];
  readonly syncDaemon: Statement | undefined;
  /** Positions of all blocks in the file. */
  readonly order: ReadonlyMap<Statement, number>;
}

/** The instances that keepalived accepts: the first of each name. */
export function parseInstances(statements: readonly Statement[], tools: VrrpTools): Instance[] {
  const {notes} = tools;
  const names = new Set<string>();
  return statements.flatMap((statement) => {
    const reason = unnamed(statement, names);
    const instance = parseInstance(statement, tools);
    if (reason === undefined) {
      names.add(instance.name);
      notes.addAll(instance.notes.list);
      return [instance];
    }
    ignored(statement, 'duplicate-resource', reason, `the import does too; ${NAMED}`, tools);
    notes.addAll(instance.notes.list, reason);
    notes.lost(statement.span, quoteStatement(statement), reason);
    return [];
  });
}

const NAMED = 'give each block one unique name';

/** Why keepalived ignores a block that must have one unique name; undefined: it accepts the block. */
function unnamed(statement: Statement, taken: ReadonlySet<string>): string | undefined {
  const [kind = '', name = ''] = statement.words.map(({text}) => text);
  if (statement.words.length !== 2) return `a ${kind} must have one name: keepalived ignores this block`;
  return taken.has(name) ? `${kind} ${name} is defined above: keepalived ignores this block` : undefined;
}

export function parseVrrp(
  parts: VrrpParts,
  peers: readonly PeerInstance[] | undefined,
  tools: VrrpTools,
): ImportedPair | undefined {
  const {notes, context} = tools;
  const {syncGroups, syncDaemon} = parts;
  const all = parseInstances(parts.instances, tools);
  const [first] = all;
  if (!first) {
    for (const group of syncGroups)
      notes.omitted(group.span, quoteStatement(group), 'there is no vrrp_instance');
    for (const statement of [...parts.scripts, ...parts.processes])
      notes.omitted(statement.span, quoteStatement(statement), 'there is no vrrp_instance to track it');
    if (syncDaemon)
      notes.omitted(
        syncDaemon.span,
        quoteStatement(syncDaemon),
        'there is no vrrp_instance: connections are synchronized between two directors only',
      );
    return undefined;
  }
  const preferences = new Map(all.map((instance) => [instance, preferenceOf(instance, all, peers)]));
  const isOurs = (instance: Instance | undefined): boolean =>
    instance !== undefined && preferences.get(instance)?.isOurs === true;
  const seen = new Map<string, string>();
  const groupOf = (
    members: readonly Instance[],
    scripts: readonly string[],
    isMailed: boolean,
  ): ImportedGroup => ({
    node: isOurs(members[0]) ? context.node : context.peer,
    vips: members.flatMap((member) => member.vips.filter((vip) => isFresh(vip, member, seen, tools))),
    scripts: [
      ...members.flatMap((member) => (member.script === undefined ? [] : [member.script])),
      ...scripts,
    ],
    ...(isMailed || members.some((member) => member.isMailed) ? {mailTo: tools.defaults.mailTo} : {}),
  });
  const {lines, tracked, used, weightless} = parseSyncGroups(syncGroups, all, isOurs, groupOf, tools);
  for (const instance of all.filter((instance) => !used.has(instance.name)))
    lines.push({members: [instance], group: groupOf([instance], [], false)});
  notePreferences(all, preferences, tools);
  const allTracked = [
    ...all.map((instance) => ({
      ...instance.tracked,
      ignoresWeights: instance.priority === OWNER || weightless.has(instance.name),
    })),
    ...tracked,
  ];
  const trackScripts = convertTracked(parts, allTracked, parts.order, tools.scripts, tools);
  const secret = all.find((instance) => instance.secret !== undefined)?.secret;
  // An instance without addresses has no line, unless it is the only one: ldirectord needs a line.
  const full = lines.filter(({group}) => group.vips.length > 0 || group.scripts.length > 0);
  const kept = full.length > 0 ? full : lines.slice(0, 1);
  return {
    nodes: [context.node, context.peer].toSorted(),
    media: mediaOf(all),
    ...pairTimes(all, peers, tools),
    trackScripts,
    trackInterfaces: trackedInterfaces(allTracked),
    groups: addSyncDaemons(kept, all, syncDaemon, tools),
    ...(secret === undefined ? {} : {secret}),
  };
}

/** Is the address new? Notes one that an instance above has. */
function isFresh(vip: Vip, member: Instance, seen: Map<string, string>, {notes}: VrrpTools): boolean {
  const previous = seen.get(vip.address);
  if (previous === undefined) {
    seen.set(vip.address, member.name);
    return true;
  }
  const lines = member.statement.block?.flatMap((statement) => statement.block ?? []) ?? [];
  const line = lines.find((line) => line.words.some(({text}) => text.split('/')[0] === vip.address));
  const target = line ?? member.statement;
  notes.lost(target.span, quoteStatement(target), `instance ${previous} above has this address`);
  return false;
}

function parseSyncGroups(
  statements: readonly Statement[],
  all: readonly Instance[],
  isOurs: (instance: Instance | undefined) => boolean,
  groupOf: (members: readonly Instance[], scripts: readonly string[], isMailed: boolean) => ImportedGroup,
  tools: VrrpTools,
): {lines: Line[]; tracked: Tracked[]; used: ReadonlySet<string>; weightless: ReadonlySet<string>} {
  const {notes} = tools;
  const used = new Set<string>();
  const weightless = new Set<string>();
  const lines: Line[] = [];
  const tracked: Tracked[] = [];
  const names = new Set<string>();
  for (const statement of statements) {
    const reason = unnamed(statement, names);
    names.add(argumentOf(statement));
    if (reason !== undefined) {
      ignored(statement, 'missing-value', reason, `the import does too; ${NAMED}`, tools);
      notes.lost(statement.span, quoteStatement(statement), reason);
      continue;
    }
    const block = blockOf(statement.block ?? [], tools);
    const list = block.first('group');
    const words = listed(list);
    const script = convertNotify(block, argumentOf(statement), 'GROUP', tools);
    const groupTracked = parseTracked(statement, block, tools);
    const alert = block.last('smtp_alert');
    const weighing = block.last('sync_group_tracking_weight', 'global_tracking');
    const isWeighing = weighing !== undefined;
    if (weighing) notes.approximated(weighing.span, quoteStatement(weighing), WEIGHT);
    if (alert) notes.approximated(alert.span, quoteStatement(alert), 'haresources: MailTo');
    if (list) notes.exact(list.span, quoteStatement(list), 'haresources: one line');
    block.finish(unused, 'hactl has no such setting', serious);
    const members = words.flatMap((word) => {
      const member = all.find((instance) => instance.name === word.text);
      if (!member)
        ignored(
          word,
          'unresolved-name',
          `no vrrp_instance ${word.text}: keepalived ignores the name`,
          'the import does too; list names of vrrp_instance blocks in a group',
          tools,
        );
      if (!member || used.has(member.name)) return [];
      used.add(member.name);
      if (!isWeighing) weightless.add(member.name);
      return [member];
    });
    if (members.length === 0) {
      notes.lost(
        statement.span,
        quoteStatement(statement),
        list
          ? 'none of its instances exists'
          : 'it has no group { … }: its instances move independently, in keepalived too',
      );
      continue;
    }
    if (members.some((member) => isOurs(member) !== isOurs(members[0])))
      notes.changed(
        statement.span,
        quoteStatement(statement),
        `haresources: one line; its instances prefer different nodes, the node of ${members[0]?.name} is used`,
      );
    else
      notes.exact(
        statement.span,
        quoteStatement(statement),
        'haresources: one line, its addresses move together',
      );
    tracked.push(groupTracked);
    const isMailed =
      alert !== undefined && tools.defaults.mailTo.length > 0 && flagOf(alert, tools) !== false;
    lines.push({members, group: groupOf(members, script === undefined ? [] : [script], isMailed)});
  }
  return {lines, tracked, used, weightless};
}

/** Notes the node that each instance prefers, and why; a guess is highlighted. */
function notePreferences(
  all: readonly Instance[],
  preferences: ReadonlyMap<Instance, Preference>,
  {notes, context}: VrrpTools,
): void {
  const named = context.peerKnown ? '' : '; the peer’s name is not in the file (use --peer NAME)';
  for (const instance of all) {
    const {isOurs = false, reason = '', isDoubtful = false} = preferences.get(instance) ?? {};
    const node = isOurs ? context.node : context.peer;
    const message = `haresources: the group prefers ${node} (${reason})${named}`;
    const target = instance.priorityLine ?? instance.stateLine ?? instance.statement;
    if (instance.stateLine && instance.priorityLine)
      notes.approximated(
        instance.stateLine.span,
        quoteStatement(instance.stateLine),
        'only the first state: the election is by priority',
      );
    if (isDoubtful)
      notes.changed(
        target.span,
        quoteStatement(target),
        `${message}: keepalived elects by priority, and the peer’s priority is only in the peer’s file; import with --peer-file, or compare the two haresources`,
      );
    else notes.approximated(target.span, quoteStatement(target), `${message}; hactl has no priority numbers`);
  }
}

/** keepalive, deadtime, auto_failback and hactl_preempt_delay, common to the pair. */
function pairTimes(
  all: readonly Instance[],
  peers: readonly PeerInstance[] | undefined,
  {notes}: VrrpTools,
): Pick<ImportedPair, 'keepalive' | 'deadtime' | 'autoFailback' | 'preemptDelay'> {
  const [first] = all;
  const keepalive = Math.min(...all.map((instance) => instance.advert));
  const quickest = all.filter((instance) => instance.advert === keepalive);
  const deadtime = Math.max(...quickest.map((instance) => downInterval(instance, peerOf(instance, peers))));
  const whose = peers
    ? 'the lower priority of the two'
    : 'priority 100, regardless of this director’s, so that both imports agree';
  for (const {advertLine} of all)
    if (advertLine)
      notes.exact(
        advertLine.span,
        quoteStatement(advertLine),
        `ha.cf: keepalive; deadtime ${deadtime} ms is VRRP’s master down interval for ${whose}`,
      );
  if (first && all.some((instance) => instance.advert !== keepalive))
    notes.changed(
      first.statement.span,
      'advert_int',
      `the instances differ: ha.cf has one keepalive for the pair, the shortest (${keepalive} ms)`,
    );
  const held = all.map((instance) => instance.isHeld || peerOf(instance, peers)?.isHeld === true);
  const isHeld = held.every(Boolean);
  if (first && held.some(Boolean) && !isHeld)
    notes.changed(
      first.statement.span,
      'nopreempt',
      'the instances differ: ha.cf has one auto_failback for the pair (on)',
    );
  const delays = all.flatMap((instance) =>
    [instance.delay ?? [], peerOf(instance, peers)?.delay ?? []].flat(),
  );
  return {
    keepalive,
    deadtime,
    autoFailback: !isHeld,
    ...(delays.length === 0 ? {} : {preemptDelay: Math.max(...delays)}),
  };
}

function mediaOf(all: readonly Instance[]): ImportedPair['media'] {
  const media: ImportedPair['media'][number][] = [];
  for (const {device, peers} of all) {
    const [peer] = peers;
    if (peer === undefined) {
      if (!media.some((medium) => medium.kind === 'mcast' && medium.device === device))
        media.push({kind: 'mcast', device, group: GROUP, port: PORT, ttl: 1, loop: false});
    } else if (!media.some((medium) => medium.kind === 'ucast' && medium.peer === peer))
      media.push({kind: 'ucast', device, peer, port: PORT});
  }
  return media;
}
