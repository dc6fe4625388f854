/** The directives of ha.cf, and the notices for those without effect. Pure. */

import {operationWords} from './ha-operation.ts';
import {verdictWords} from './ha-verdicts.ts';

/** Accepted without effect, and why. */
export const explained: Readonly<Record<string, string>> = {
  use_logd: 'hactl writes its logs itself; logfile, debugfile and logfacility still apply',
  conn_logd_time: 'hactl writes its logs itself',
  syslogmsgfmt: 'hactl writes its logs itself',
  apiauth: 'the control socket is for root and its group',
  compression: 'adverts are small and not compressed',
  compression_threshold: 'adverts are small and not compressed',
  traditional_compression: 'adverts are small and not compressed',
  msgfmt: 'adverts have a format of their own (docs/protocol.md)',
  hbgenmethod: 'the incarnation is kept in the state directory',
  uuidfrom: 'nodes are known by their names',
  coredumps: 'use the service manager for core dumps',
  coreroot: 'use the service manager for core dumps',
  memreserve: 'memory is locked as it is used',
  max_rexmit_delay: 'every advert is complete: there are no retransmissions',
  log_badpack: 'refused datagrams are counted in hactl status',
  env: 'variables are not passed on',
  use_apphbd: 'processes are watched by hactld itself',
  record_config_changes: 'it belongs to the cluster resource manager',
  record_pengine_inputs: 'it belongs to the cluster resource manager',
  enable_config_writes: 'it belongs to the cluster resource manager',
  crmd_spawns_pengine: 'it belongs to the cluster resource manager',
  quorum_server: 'it belongs to the cluster resource manager; ping nodes and hactl_fence decide here',
  hopfudge: 'adverts do not leave the segment',
};

export const refusedWords: Readonly<Record<string, string>> = {
  serial:
    'serial heartbeats are not supported: use a second network path (bcast, mcast or ucast on another interface)',
  baud: 'serial heartbeats are not supported: remove the line',
  hbaping: 'fibre-channel ping nodes are not supported: use ping or ping_group',
};

/** Directives that take a time. */
export const times = ['keepalive', 'deadtime', 'warntime', 'initdead', 'deadping'] as const;
/** The same for hactl's own directives, with their names in the model. */
export const ownTimes = {
  hactl_lease: 'vipLease',
  hactl_preempt_delay: 'preemptDelay',
  hactl_holddown: 'holddown',
  hactl_sync_deadline: 'syncDeadline',
} as const;

/** syslog's facilities, as heartbeat takes them. */
export const facilities: readonly string[] = [
  'auth', 'authpriv', 'cron', 'daemon', 'ftp', 'kern', 'lpr', 'mail', 'news', 'syslog', 'user', 'uucp',
  ...Array.from({length: 8}, (_, index) => `local${index}`),
]; // prettier-ignore

/** All directives, to suggest the nearest for a misspelled one. */
export const known: readonly string[] = [
  ...times, ...Object.keys(ownTimes), ...Object.keys(explained), ...Object.keys(refusedWords), 'udpport', 'bcast',
  'udp', 'mcast', 'mcast6', 'ucast', 'ucast6', 'node', 'ping', 'ping6', 'ping_group', 'auto_failback', 'nice_failback',
  'logfile', 'debugfile', 'logfacility', 'debug', 'respawn', 'failfast', 'watchdog', 'stonith', 'stonith_host', 'crm',
  'pacemaker', 'autojoin', 'cluster', 'realtime', 'rtprio', 'hactl_fence', 'hactl_drill', 'hactl_standby_checks',
  'hactl_track_interface', 'hactl_track_script', 'hactl_resource', 'hactl_sync', 'hactl_sync_delay', 'hactl_sync_port', 'hactl_ipvs', 'hactl_peer',
  'hactl_peer_port', 'hactl_push',
  ...operationWords, ...verdictWords,
]; // prettier-ignore
