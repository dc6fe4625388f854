/**
 * A valid configuration full of secrets: wherever the files can contain a key, a password, a token or an argument that may be
 * one. Each is `Snn-…`, so one expression finds them all.
 */

/** One planted secret. */
export const PLANTED = /S\d\d-[\w-]+/g;

export interface Place {
  /** Directory of the logs. */
  readonly folder: string;
  /** The real server that echoes every request. */
  readonly echo: string;
  readonly vip: string;
}

/** The files by name; `program` is run by each of their scripts. */
export const plantedFiles = ({folder, echo, vip}: Place): Readonly<Record<string, string>> => ({
  authkeys: `auth 2
1 md5 S01-older-key
2 sha256 S02-key of the S03-pair
3 sha1 "S04-quoted"
`,
  'ha.cf': `keepalive 200ms
deadtime 2
initdead 3
bcast eth0
node director1 director2
auto_failback on
logfile ${folder}/ha.log
debugfile ${folder}/ha-debug.log
hactl_read_group 61003
hactl_push on
hactl_fence ${folder}/ha.d/prints -a 10.0.0.9 -p S05-fence --password=S06-fence
hactl_alert_command ${folder}/ha.d/prints --token S07-alert -uS08-user
hactl_webhook http://S09-user:S10-pass@127.0.0.1:9/S11-path/S12-path?x=S13-query token=S14-token
hactl_otlp http://S40-user:S41-pass@127.0.0.1:9/S42-path?x=S43-query token=S44-token
hactl_track_script 1s ${folder}/ha.d/prints -a S15-track --api-key=S16-track mon:S17-track
respawn root ${folder}/ha.d/prints -p S18-respawn S19-respawn
`,
  haresources: `director1 IPaddr2::${vip}/24/eth0 ldirectord::ldirectord.cf Thing::share::password=S21-argument
`,
  'ldirectord.cf': `checktimeout=2
checkinterval=2
logfile="${folder}/ldirectord.log"
fallbackcommand="${folder}/ha.d/prints --key S22-fallback"
callback="${folder}/ha.d/prints"
virtual=${vip}:7001
\treal=${echo}:7 masq "AUTH S23-per-real", "fine"
\tservice=simpletcp
\trequest="AUTH S24-request"
\treceive="fine"
\tscheduler=rr
\tprotocol=tcp
virtual=${vip}:7002
\treal=${echo}:7 masq
\tservice=mysql
\tchecktype=negotiate
\tlogin="monitor"
\tpasswd="S25-mysql"
\tdatabase="app"
\trequest="SELECT 1 FROM t WHERE k='S26-sql'"
virtual=${vip}:7003
\treal=${echo}:7 masq
\tservice=http
\trequest="/status?auth=S27-http"
\treceive="OK"
virtual=${vip}:7004
\treal=${echo}:7 masq
\tservice=ftp
\tlogin="probe"
\tpasswd="S28-ftp"
virtual=${vip}:7005
\treal=${echo}:7 masq
\tservice=imap
\tlogin="probe"
\tpasswd="S29-imap"
virtual=${vip}:7006
\treal=${echo}:7 masq
\tservice=pop
\tlogin="probe"
\tpasswd="S30-pop"
virtual=${vip}:7007
\treal=${echo}:7 masq
\tservice=ldap
\tlogin="cn=probe"
\tpasswd="S31-ldap"
\trequest="dc=example"
virtual=${vip}:7008
\treal=${echo}:7 masq
\tservice=radius
\tprotocol=udp
\tlogin="probe"
\tpasswd="S32-radius"
\tsecret="S33-radius"
virtual=${vip}:7009
\treal=${echo}:7 masq
\tservice=pgsql
\tlogin="probe"
\tpasswd="S34-pgsql"
\tdatabase="app"
virtual=${vip}:7010
\treal=${echo}:7 masq
\tchecktype=external
\tcheckcommand="${folder}/ha.d/prints"
virtual=${vip}:7011
\treal=${echo}:7 masq
\thactl_send="AUTH S36-send\\r\\n"
\thactl_expect="+OK"
virtual=${vip}:7012
\treal=${echo}:7 masq
\tservice=sip
\tprotocol=tcp
\tlogin="probe"
\tpasswd="S37-sip"
virtual=${vip}:7013
\treal=${echo}:7 masq "/S38-token-in-path/x?k=S39-query", "OK"
\tservice=http
`,
});

/** The scripts: each prints its arguments and input, and fails. */
export const PRINTS = '#!/bin/sh\necho "given: $*" >&2\necho "given: $*"\nexit 1\n';
/** A resource that prints its arguments, and is running. */
export const THING = '#!/bin/sh\necho "$0 $* running"\ncase "$*" in *status*) echo running;; esac\nexit 0\n';
