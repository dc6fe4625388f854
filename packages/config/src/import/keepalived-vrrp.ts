/** Converts vrrp_instance and vrrp_sync_group of keepalived.conf to ha.cf, haresources and authkeys. Pure. */
import type {Vip} from '../model.ts';
import type {ImportedGroup, ImportedPair} from './imported.ts';
import {argumentOf, blockOf, flagOf, ignored, listed, quoteStatement} from './keepalived-block.ts';
import {GROUP, PORT, serious, takeInstance, unused, type Instance} from './keepalived-instance.ts';
import {OWNER} from './keepalived-election.ts';
import {WEIGHT, type VrrpTools} from './keepalived-tools.ts';
import type {Statement} from './keepalived-lines.ts';
import {takeNotify} from './keepalived-notify.ts';
import {downInterval, peerOf, preferenceOf, type PeerInstance, type Preference} from './keepalived-pair.ts';
import {takeSyncDaemons, type Line} from './keepalived-syncd.ts';
import {takeTracked, takeTrackers, trackedInterfaces, type Tracked} from './keepalived-track.ts';

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
export function takeInstances(statements: readonly Statement[], tools: VrrpTools): Instance[] {
  const {book} = tools;
  const names = new Set<string>();
  return statements.flatMap((statement) => {
    const reason = unnamed(statement, names);
    const instance = takeInstance(statement, tools);
    if (reason === undefined) {
      names.add(instance.name);
      book.take(instance.book.notes);
      return [instance];
    }
    ignored(statement, 'duplicate-resource', reason, `the import does too; ${NAMED}`, tools);
    book.take(instance.book.notes, reason);
    book.lost(statement.span, quoteStatement(statement), reason);
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

export function takeVrrp(
  parts: VrrpParts,
  peers: readonly PeerInstance[] | undefined,
  tools: VrrpTools,
): ImportedPair | undefined {
  const {book, context} = tools;
  const {syncGroups, syncDaemon} = parts;
  const all = takeInstances(parts.instances, tools);
  const [first] = all;
  if (!first) {
    for (const group of syncGroups) book.not(group.span, quoteStatement(group), 'there is no vrrp_instance');
    for (const statement of [...parts.scripts, ...parts.processes])
      book.not(statement.span, quoteStatement(statement), 'there is no vrrp_instance to track it');
    if (syncDaemon)
      book.not(
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
  const {lines, tracked, used, weightless} = takeSyncGroups(syncGroups, all, isOurs, groupOf, tools);
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
  const trackScripts = takeTrackers(parts, allTracked, parts.order, tools.scripts, tools);
  const secret = all.find((instance) => instance.secret !== undefined)?.secret;
  // An instance without addresses has no line, unless it is the only one: ldirectord needs a line.
  const full = lines.filter(({group}) => group.vips.length > 0 || group.scripts.length > 0);
  const kept = full.length > 0 ? full : lines.slice(0, 1);
  return {
    nodes: [context.node, context.peer].toSorted(),
    media: takeMedia(all),
    ...takeTimes(all, peers, tools),
    trackScripts,
    trackInterfaces: trackedInterfaces(allTracked),
    groups: takeSyncDaemons(kept, all, syncDaemon, tools),
    ...(secret === undefined ? {} : {secret}),
  };
}

/** Is the address new? Notes one that an instance above has. */
function isFresh(vip: Vip, member: Instance, seen: Map<string, string>, {book}: VrrpTools): boolean {
  const other = seen.get(vip.address);
  if (other === undefined) {
    seen.set(vip.address, member.name);
    return true;
  }
  const lines = member.statement.block?.flatMap((statement) => statement.block ?? []) ?? [];
  const line = lines.find((line) => line.words.some(({text}) => text.split('/')[0] === vip.address));
  const at = line ?? member.statement;
  book.lost(at.span, quoteStatement(at), `instance ${other} above has this address`);
  return false;
}

function takeSyncGroups(
  statements: readonly Statement[],
  all: readonly Instance[],
  isOurs: (instance: Instance | undefined) => boolean,
  groupOf: (members: readonly Instance[], scripts: readonly string[], isMailed: boolean) => ImportedGroup,
  tools: VrrpTools,
): {lines: Line[]; tracked: Tracked[]; used: ReadonlySet<string>; weightless: ReadonlySet<string>} {
  const {book} = tools;
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
      book.lost(statement.span, quoteStatement(statement), reason);
      continue;
    }
    const block = blockOf(statement.block ?? [], tools);
    const list = block.first('group');
    const words = listed(list);
    const script = takeNotify(block, argumentOf(statement), 'GROUP', tools);
    const own = takeTracked(statement, block, tools);
    const alert = block.last('smtp_alert');
    const weighing = block.last('sync_group_tracking_weight', 'global_tracking');
    const isWeighing = weighing !== undefined;
    if (weighing) book.approximated(weighing.span, quoteStatement(weighing), WEIGHT);
    if (alert) book.approximated(alert.span, quoteStatement(alert), 'haresources: MailTo');
    if (list) book.exact(list.span, quoteStatement(list), 'haresources: one line');
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
      book.lost(
        statement.span,
        quoteStatement(statement),
        list
          ? 'none of its instances exists'
          : 'it has no group { … }: its instances move independently, in keepalived too',
      );
      continue;
    }
    if (members.some((member) => isOurs(member) !== isOurs(members[0])))
      book.changed(
        statement.span,
        quoteStatement(statement),
        `haresources: one line; its instances prefer different nodes, the node of ${members[0]?.name} is used`,
      );
    else
      book.exact(
        statement.span,
        quoteStatement(statement),
        'haresources: one line, its addresses move together',
      );
    tracked.push(own);
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
  {book, context}: VrrpTools,
): void {
  const named = context.peerKnown ? '' : '; the peer’s name is not in the file (use --peer NAME)';
  for (const instance of all) {
    const {isOurs = false, reason = '', isDoubtful = false} = preferences.get(instance) ?? {};
    const node = isOurs ? context.node : context.peer;
    const message = `haresources: the group prefers ${node} (${reason})${named}`;
    const at = instance.priorityLine ?? instance.stateLine ?? instance.statement;
    if (instance.stateLine && instance.priorityLine)
      book.approximated(
        instance.stateLine.span,
        quoteStatement(instance.stateLine),
        'only the first state: the election is by priority',
      );
    if (isDoubtful)
      book.changed(
        at.span,
        quoteStatement(at),
        `${message}: keepalived elects by priority, and the peer’s priority is only in the peer’s file; import with --peer-file, or compare the two haresources`,
      );
    else book.approximated(at.span, quoteStatement(at), `${message}; hactl has no priority numbers`);
  }
}

/** keepalive, deadtime, auto_failback and hactl_preempt_delay, common to the pair. */
function takeTimes(
  all: readonly Instance[],
  peers: readonly PeerInstance[] | undefined,
  {book}: VrrpTools,
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
      book.exact(
        advertLine.span,
        quoteStatement(advertLine),
        `ha.cf: keepalive; deadtime ${deadtime} ms is VRRP’s master down interval for ${whose}`,
      );
  if (first && all.some((instance) => instance.advert !== keepalive))
    book.changed(
      first.statement.span,
      'advert_int',
      `the instances differ: ha.cf has one keepalive for the pair, the shortest (${keepalive} ms)`,
    );
  const held = all.map((instance) => instance.isHeld || peerOf(instance, peers)?.isHeld === true);
  const isHeld = held.every(Boolean);
  if (first && held.some(Boolean) && !isHeld)
    book.changed(
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

function takeMedia(all: readonly Instance[]): ImportedPair['media'] {
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
