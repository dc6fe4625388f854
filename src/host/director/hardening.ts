/**
 * Deviations of this machine and its files from the check-list of docs/security.md: keys, users, privileges of running processes,
 * access to directories. Pure; hardening-facts.ts gathers the facts.
 */
import type {ClusterConfig} from '@hactl/config';
import {found, type HostFinding} from '../finding.ts';
import {openToAll} from '../firewall.ts';
import {portsOf} from './host-judge.ts';
import {PACKAGE_USER} from '../../system/users.ts';

/** One running process, from /proc. */
export interface ProcessFacts {
  readonly name: string;
  readonly pid: number;
  readonly uid: number;
  /** Effective and permitted capabilities, as masks. */
  readonly effective: bigint;
  readonly bounding: bigint;
  readonly umask: number;
  /** Maximum octets of its core file; Infinity: no limit. */
  readonly coreLimit: number;
}

export interface HardeningFacts {
  readonly hasUser: (name: string) => boolean;
  readonly processes: readonly ProcessFacts[];
  /** Mode and owner of the state and the run directory, and of their files that must be protected. */
  readonly paths: readonly {
    readonly path: string;
    readonly mode: number;
    readonly uid: number;
    readonly most: number;
  }[];
  /** The packet filter's rules as listed; undefined: not readable. */
  readonly firewall?: string | undefined;
}

/** A shorter secret can be guessed from one recorded advert. */
const SECRET_LEAST = 16;
/** 32 random characters have about 20 different ones; a repeated word has few. */
const DIFFERENT_LEAST = 8;
const CAP_NET_ADMIN = 1n << 12n;
const CAP_NET_RAW = 1n << 13n;
const CAP_NET_BIND_SERVICE = 1n << 10n;

function keyFindings({authkeys}: ClusterConfig): HostFinding[] {
  if (!authkeys) return [];
  const {keys, active} = authkeys;
  const findings: HostFinding[] = [];
  // Every listed key is accepted, not only the signing one.
  for (const {id, method, secret} of keys) {
    if (method === 'crc') continue;
    const different = new Set(secret).size;
    const weakness =
      secret.length < SECRET_LEAST
        ? `has ${secret.length} characters`
        : different < DIFFERENT_LEAST && `has ${different} different characters`;
    if (weakness !== false)
      findings.push(
        found('warning', 'authkeys', `key ${id} ${weakness}: it can be guessed from one recorded advert`, 'head -c 24 /dev/urandom | base64 makes a good one; docs/security.md, "Change a key"'),
      ); // prettier-ignore
  }
  const retired = keys.filter(({id, method}) => id !== active && method !== 'crc');
  if (retired.length > 0)
    findings.push(
      found('note', 'authkeys', `key ${retired.map(({id}) => id).join(', ')} does not sign but is accepted: anyone who has it can impersonate a director`, 'remove it on both directors once both sign with the new one'),
    ); // prettier-ignore
  return findings;
}

function accessFindings({ha, authkeys}: ClusterConfig): HostFinding[] {
  if (!ha) return [];
  const {push, adminGroup} = ha.hactl;
  const method = authkeys?.keys.find(({id}) => id === authkeys.active)?.method;
  const legacy = authkeys?.keys.find((key) => key.method === 'md5' || key.method === 'sha1');
  const findings: HostFinding[] = [];
  if (push === true && method === 'sha256' && legacy)
    findings.push(
      found('warning', 'hactl_push', `on while key ${legacy.id} (${legacy.method}) is accepted: anyone who guesses it can write files that root reads`, `remove key ${legacy.id} on both directors, or hactl_push off`),
    ); // prettier-ignore
  if (push === true && method !== 'sha256')
    findings.push(
      found('warning', 'hactl_push', `on with a ${method ?? 'missing'} key: anyone who guesses it can write files that root reads`, 'give the pair a sha256 key, or hactl_push off'),
    ); // prettier-ignore
  else if (push === undefined && method === 'sha256')
    findings.push(
      found('note', 'hactl_push', 'the peer may write files here, including programs that root runs', 'hactl_push off, if nobody uses hactl push'),
    ); // prettier-ignore
  if (adminGroup !== undefined)
    findings.push(
      found('note', 'hactl_admin_group', `members of ${adminGroup} are root on this machine: they can change its configuration`),
    ); // prettier-ignore
  return findings;
}

function accountFindings({ha, ldirectord}: ClusterConfig, facts: HardeningFacts): HostFinding[] {
  const {checkUser, scriptUser} = ha?.hactl ?? {};
  const findings: HostFinding[] = [];
  for (const [directive, user] of [
    ['hactl_check_user', checkUser],
    ['hactl_script_user', scriptUser],
  ] as const)
    if (user !== undefined && !facts.hasUser(user))
      findings.push(found('warning', directive, `there is no user ${user}`, `useradd --system ${user}`));
  const checksAs = [checkUser, PACKAGE_USER, 'nobody'].find(
    (user) => user !== undefined && facts.hasUser(user),
  );
  if (ldirectord.length > 0 && (checksAs === undefined || checksAs === 'root'))
    findings.push(
      found('warning', 'hactl_check_user', 'checks parse the answers of all real servers as root', `useradd --system ${PACKAGE_USER}, and hactl_check_user ${PACKAGE_USER}`),
    ); // prettier-ignore
  const scriptsAs = [scriptUser, PACKAGE_USER].find((user) => user !== undefined && facts.hasUser(user));
  if (hasScripts(ha, ldirectord) && (scriptsAs === undefined || scriptsAs === 'root'))
    findings.push(
      found('warning', 'hactl_script_user', 'external checks and tracked scripts run as root', `useradd --system ${PACKAGE_USER}, or name a user with hactl_script_user`),
    ); // prettier-ignore
  // The same remedy is not repeated.
  else if (ldirectord.length > 0 && checksAs === 'nobody' && checkUser === undefined)
    findings.push(
      found('note', 'hactl_check_user', 'checks run as nobody, a user that other programs may share', `useradd --system ${PACKAGE_USER}`),
    ); // prettier-ignore
  return findings;
}

const hasScripts = (ha: ClusterConfig['ha'], ldirectord: ClusterConfig['ldirectord']): boolean =>
  (ha?.hactl.trackScripts.length ?? 0) > 0 ||
  ldirectord.some(({virtuals}) =>
    virtuals.some(
      ({checkType, reals}) =>
        checkType.kind === 'external' ||
        checkType.kind === 'external-perl' ||
        reals.some(({check}) => check?.checkCommand !== undefined),
    ),
  );

/**
 * The checks parse untrusted input: their only capability may be CAP_NET_RAW, if they ping. The sync process reads
 * from the network as root: it may only have capabilities for the network.
 */
function processFindings(processes: readonly ProcessFacts[]): HostFinding[] {
  const findings: HostFinding[] = [];
  for (const {name, pid, uid, effective, umask, coreLimit} of processes) {
    const subject = `${name} (${pid})`;
    if (name.startsWith('checks') && (uid === 0 || (effective & ~CAP_NET_RAW) !== 0n))
      findings.push(
        found('warning', subject, uid === 0 ? 'runs as root' : 'has capabilities beyond raw packets', `useradd --system ${PACKAGE_USER}, and restart hactld`),
      ); // prettier-ignore
    if (name.startsWith('sync') && (effective & ~(CAP_NET_ADMIN | CAP_NET_RAW | CAP_NET_BIND_SERVICE)) !== 0n)
      findings.push(
        found('warning', subject, 'has capabilities beyond the network’s', 'install util-linux (/usr/bin/setpriv), and restart hactld'),
      ); // prettier-ignore
    if ((umask & 0o007) !== 0o007)
      findings.push(found('warning', subject, 'its files are readable by everybody', 'restart hactld'));
    if (coreLimit > 0)
      findings.push(
        found('note', subject, 'a crash may write its memory, keys included, to a core file', 'start it by its systemd unit, or with ulimit -c 0'),
      ); // prettier-ignore
  }
  return findings;
}

const octal = (mode: number): string => mode.toString(8).padStart(4, '0');

function pathFindings(paths: HardeningFacts['paths']): HostFinding[] {
  return paths.flatMap(({path, mode, uid, most}) => {
    if (uid !== 0)
      return [
        found('bad', path, `belongs to user ${uid}, who can replace its content`, `chown root ${path}`),
      ];
    const more = mode & 0o777 & ~most;
    const level = (more & 0o022) !== 0 ? 'bad' : 'warning';
    return more === 0
      ? []
      : [found(level, path, `has mode ${octal(mode & 0o777)}`, `chmod ${octal(most)} ${path}`)];
  });
}

/** Heartbeats should have a network of their own, and the pair's ports should be reachable only from the peer. */
function networkFindings(cluster: ClusterConfig, {firewall}: HardeningFacts): HostFinding[] {
  const {ha, haresources} = cluster;
  if (!ha || ha.nodes.length < 2) return [];
  const findings: HostFinding[] = [];
  const serving = new Set(
    haresources.groups.flatMap(({resources}) => resources.flatMap(({vip}) => vip?.device ?? [])),
  );
  const {peerPort} = ha.hactl;
  const devices = [...new Set(ha.media.map(({device}) => device))];
  if (devices.length > 0 && devices.every((device) => serving.has(device)))
    findings.push(
      found('note', 'heartbeat', `only over ${devices.join(' and ')}, the network of the clients: anyone on it can read and disturb heartbeats`, 'a second bcast, mcast or ucast line for a network between the directors'),
    ); // prettier-ignore
  const ports = [
    ...portsOf(cluster).map(({port}) => ({port, protocol: 'udp'})),
    ...(peerPort === 0 ? [] : [{port: peerPort, protocol: 'tcp'}]),
  ];
  const open = openToAll(ports, firewall).map(({port, protocol}) => `${port}/${protocol}`);
  if (open.length > 0)
    findings.push(
      found('note', 'firewall', `${open.join(', ')} can be reached by everybody; others than the peer are refused, at some cost`, 'accept them only from the peer: ip saddr PEER'),
    ); // prettier-ignore
  return findings;
}

/** Checks keep root until there is a server to check: before that they read no input. */
const isIdle = ({ldirectord}: ClusterConfig, {name}: ProcessFacts): boolean =>
  name.startsWith('checks') && !ldirectord.some(({virtuals}) => virtuals.length > 0);

/** Every deviation from the check-list. */
export const judgeHardening = (cluster: ClusterConfig, facts: HardeningFacts): HostFinding[] => [
  ...keyFindings(cluster),
  ...accessFindings(cluster),
  ...accountFindings(cluster, facts),
  ...processFindings(facts.processes.filter((process) => !isIdle(cluster, process))),
  ...pathFindings(facts.paths),
  ...networkFindings(cluster, facts),
];
