/**
 * Debian's servers against which the checks are tested, in a tree of their own. Nothing is installed: test/lab/servers.ts
 * overlays the tree in a private mount namespace.
 */
import {makeTree} from './apt.ts';

/** One line per service. */
const servers = [
  'nginx-light', 'squid', // http, http_proxy
  'exim4-daemon-light', 'netcat-openbsd', // smtp, submission; nc for a seed's script
  'dovecot-imapd', 'dovecot-pop3d', // imap, pop, with and without TLS
  'inn2', // nntp
  'memcached', 'socat', // simpletcp, over tcp and udp
  'vsftpd', // ftp
  'mariadb-server', 'postgresql', // mysql, pgsql
  'slapd', 'ldap-utils', // ldap
  'bind9', // dns
  'freeradius', // radius
  'kamailio', // sip
  'stunnel4', 'openssl', // TLS around any of them
  'ldirectord', 'keepalived', 'tcc', // for comparison; a compiler for the benchmark's shim
  'iproute2', 'iputils-ping', // resource agents call ping by its path
]; // prettier-ignore

export interface Servers {
  /** The unpacked tree, laid out with merged /usr. */
  readonly tree: string;
}

/** Fetches and unpacks the packages unless cached. */
export function prepareServers(say: (line: string) => void): Servers {
  const plan = {
    label: 'servers',
    packages: servers,
    recipe: [1],
    without: 'the tests take their servers from Debian 12',
  };
  return makeTree(plan, say, ({tree, step, fetch, unpackAll}): Servers => {
    step(`${servers.length} packages and their dependencies (about 150 MB)`, fetch);
    unpackAll();
    return {tree};
  });
}
