/** Secrets in lines where no directive expects one: no diagnostic, diff or plan shows them. */
import test from 'ava';
import {
  checkFiles,
  compareFacts,
  configFacts,
  loadCluster,
  redactDiagnostic,
  renderDiagnostic,
  type ReadFile,
} from '@hactl/config';
import {diffText} from '../configuration/config-diff.ts';
import {redactFile} from './redact.ts';

const DIR = '/etc/ha.d';
const resolve = {host: () => undefined, service: () => undefined};
const SECRET = /S\d-[\w-]+/g;

const base: Readonly<Record<string, string>> = {
  authkeys: 'auth 1\n1 sha256 key-of-the-pair-long\n',
  'ha.cf': 'keepalive 1\ndeadtime 5\nbcast eth0\nnode director1 director2\nauto_failback on\n',
  haresources: 'director1 IPaddr2::10.99.0.100/24/eth0 ldirectord::ldirectord.cf\n',
  'ldirectord.cf': 'virtual=10.99.0.100:80\n\treal=10.0.0.1:80 masq\n\tservice=http\n\tscheduler=rr\n',
};

const lines: Readonly<Record<string, readonly string[]>> = {
  'ha.cf': [
    'hactl_fence PGPASSWORD=S1-x /usr/bin/fence S2-x',
    'hactl_fence DB=S1-x /usr/bin/fence',
    'hactl_webhook https://S1-user:S2-p/ss@hooks.example/x',
    'hactl_webhook https://S1-user:S2-p@ss@hooks.example/x',
    'hactl_otlp https://otel.example;S1-x',
    'hactl_slack https://hooks.slack.com/services/S1-T0/S1-B0/S1-xyz',
    'hactl_alert https://api.telegram.org/botS1-token/sendMessage',
    'respawn /usr/bin/agent S1-x',
    'env SNMP_COMMUNITY S1-x',
    'hactl_resource Thing::password=S1-x cold',
    '# old key: 1 sha256 S1-x',
    '# the password is S1-x',
    'rocommunity S1-x',
    'hactl_psk S1-x',
    'hactl_tls_key S1-x',
    'logfile ftp://S1-u:S2-p@host/log',
    'ping S1-u:S2-p@10.0.0.1',
    'bcast eth0 key=S1-x',
    'auth 1 sha256 S1-x',
    'sha256 S1-x',
    'hactl_webhook https://hooks.example/x token:S1-x',
    'hactl_webhook "https://hooks.example/S1-x"',
    'hactl_webhook hooks.example/S1-x',
    'hactl_webhook https:/hooks.example/S1-x',
    'hactl_webhook=https://hooks.example/S1-x',
    'hactl_webhook https://S1-tok@hooks.example',
    'hactl_webhook https://hooks.example\\S1-x',
    'hactl_webhook https://hooks.example:S1-x/x',
    'hactl_smtp smtp://S1-u:S2-p@mail.example:587',
    'hactl_smtp_auth plain monitor S1-x',
    'hactl_smtp mail.example monitor S1-x',
    'hactl_mail_password S1-x',
    'stonith_host * external/ipmi director2 10.0.0.9 admin S1-x lan',
    'stonith_host* external/ipmi director2 10.0.0.9 admin S1-x',
    'stonith-host director1 external/ipmi director2 10.0.0.9 admin S1-x lan',
    'stonith host * external/ipmi director2 admin S1-x',
    'stonith external/ipmi hostname=director2 passwd=S1-x',
    'stonith_host director1 apcmastersnmp 10.0.0.9 161 S1-x',
    'apiauth ipfail uid=hacluster key=S1-x',
    'apiauth mgmtd uid=root psk S1-x',
    'hactl_otlp https://otel.example/v1 Authorization=Bearer%20S1-x',
    'hactl_otlp https://otel.example/v1 header=X-Key:S1-x',
    'hactl_fence: /usr/sbin/fence_ipmilan -a 10.0.0.9 -l admin -p S1-x',
    'fence_command /usr/sbin/fence_ipmilan -l admin S1-x',
    'fencing /usr/sbin/fence_ipmilan -l admin S1-x',
    'authkey: S1-x',
    'authkeys 1 sha256 S1-x',
    '1 sha256 S1-x',
    '1) sha256 S1-x',
    '1. sha256 S1-x',
    '1 sha512 S1-x',
    '1 sha-256 S1-x',
    'key 1 sha256 S1-x',
    'key1 S1-x',
    'hactl_alert_command /usr/bin/swaks --auth-password S1-x --auth-user S2-u',
    'hactl_alert_cmd /usr/bin/swaks S1-x',
    'watchdog /dev/watchdog password=S1-x',
    'ucast eth0 10.0.0.2 S1-user:S2-p@x',
    'pass phrase S1-x',
    'shared-secret S1-x',
    'passphrase: "S1-x"',
    'hactl_peer_key S1-x',
    'hactl_peer 10.0.0.2 key S1-x',
    'hactl_peer 10.0.0.2 psk=S1-x',
  ],
  haresources: [
    'director1 10.99.0.101 Filesystem:://S1-u:S2-p@nas/share::/mnt::cifs',
    'director1 10.99.0.101 Filesystem:://nas/share::/mnt::cifs::username=u,password=S1-x',
    'director1 10.99.0.101 apache::/etc/httpd.conf::http://S1-u:S2-p@localhost/status',
    'director1 10.99.0.101 Thing::-pS1-x',
    'director1 10.99.0.101 Thing::-p::S1-x',
    'director1 10.99.0.101 Thing::--password::S1-x',
    'director1 10.99.0.101 Thing::key=S1-x',
    'director1 10.99.0.101 Thing::bindpw=S1-x::psk=S2-x',
    'director1 10.99.0.101 Thing::user=x&password=S1-x',
    'director1 10.99.0.101 Thing:password=S1-x',
    'director1 10.99.0.101 Thing::credentials=S1-x',
    'director1 10.99.0.101 Filesystem::nas:/x::/mnt::nfs::sec=krb5,password=S1-x',
    'director1 10.99.0.101 db2::db2inst1::pw:S1-x',
    'director1 10.99.0.101 pgsql::PGPASSWORD::S1-x',
    'director1 10.99.0.101 mysql::--user=root::--password=S1-x',
    'director1 10.99.0.101 WAS::token::S1-x',
    'director1 ocf::heartbeat:mysql:user=x:passwd=S1-x',
    'director1 10.99.0.101 Thing::"password S1-x"',
    'director1 10.99.0.101 Thing::secret:S1-x',
    'director1 10.99.0.101 curl::-u::admin:S1-x',
    'director1 10.99.0.101 Thing::Authorization: Bearer S1-x',
    'director1 10.99.0.101 iscsi::iqn::chap::user::secret::S1-x',
  ],
  'ldirectord.cf': [
    '\trequest="GET /x HTTP/1.0\\r\\nAuthorization: Basic S1-x\\r\\n"',
    '\trequest="/api/;jsessionid=S1-x"',
    '\trequest="index.html#S1-x"',
    '\trequest="ou=x;bind=S1-x"',
    '\tvirtualhost="S1-u:S2-p@www.example"',
    '\tvirtualhost="www.example?token=S1-x"',
    '\tlogin="monitor:S1-x"',
    '\tlogin=monitor S1-x',
    '\tdatabase="postgresql://S1-u:S2-p@db/app"',
    '\tdatabase="app;Password=S1-x"',
    '\thactl_send="USER u\\r\\nPASS S1-x\\r\\n"',
    '\thactl_send="GET / HTTP/1.0\\r\\nAuthorization: Basic S1-x\\r\\n\\r\\n"',
    '\thactl_send="X-Api-Key: S1-x\\r\\n"',
    '\thactl_send="Cookie: session=S1-x\\r\\n"',
    '\thactl_send_program="/etc/ha.d/mon.sh S1-user S2-pw %h"',
    '\thactl_send_program=/etc/ha.d/mon.sh S1-user S2-pw %h',
    '\thactl_sendprogram="/etc/ha.d/mon.sh S1-user S2-pw %h"',
    '\tcheckcommand="PGPASSWORD=S1-x /usr/bin/check"',
    '\tfallback=S1-u:S2-p@127.0.0.1:80 gate',
    '\temailalert="S1-u:S2-p@example.org"',
    '\tcomment="password S1-x"',
    '\treal=10.0.0.2:80 masq 1 "Authorization: Basic S1-x", "OK"',
    '\thactl_mysql_key="S1-inline"',
    '\thactl_mysql_key="-----BEGIN PRIVATE KEY----- S1-x"',
    '\tauthorization="Bearer S1-x"',
    '\thactl_header="Authorization: Basic S1-x"',
    '\thttpheader="X-Auth: S1-x"',
    '\tcookie="S1-x"',
    '\tprivatekey="S1-x"',
    '\tbinddn="cn=x" bindpw=S1-x',
    '\tauth="S1-x"',
    '\tbasic_auth="S1-u:S2-p"',
    '\temailalertsmtp=mail.example:587 user=x password=S1-x',
    '\temailalertsmtp="S1-u:S2-p@mail.example"',
    '\tsmtp_password=S1-x',
    '\tsmtppass S1-x',
    '\temailalertpass="S1-x"',
    '\tpasswd S1-x',
    '\tpasswd: S1-x',
    "\tpassword = 'S1-x'",
    '\tpaswd=S1-x',
    '\tpass wd="S1-x"',
    '\tpwd=S1-x',
    '\tradiussecret=S1-x',
    '\tshared_secret="S1-x"',
    '\tsharedsecret S1-x',
    '\tsecret =S1-x',
    '\tsecret="S1-x" # was S2-x',
    '\trequest="https://S1-u:S2-p@www.example/x"',
    '\trequest="/login?user=a&pass=S1-x"',
    '\trequest="/a;token=S1-x"',
    '\trequest="/reset/S1-4f9a8b7c6d5e4f3a2b1c"',
    '\trequest=/x?k=S1-x',
    '\trequest="GET /x HTTP/1.1\\r\\nX-Auth-Token: S1-x\\r\\n"',
    '\trequest="AUTH default S1-x"',
    '\trequest="HELLO 3 AUTH default S1-x"',
    '\trequest="EHLO x\\nAUTH PLAIN S1-x"',
    '\trequest="USER x\\nPASS S1-x"',
    '\trequest="SELECT 1 FROM t WHERE k=\'S1-x\'"',
    '\trequest="ALTER USER x PASSWORD \\"S1-x\\""',
    '\trequest="SET PASSWORD = S1-x"',
    '\trequest="a001 LOGIN me S1-x"',
    '\thactl_check=10.0.0.1:80 request="/x?k=S1-x"',
    '\thactl_check=10.0.0.1:80 passwd=S1-x',
    '\thactl_check=10.0.0.1:80 send="AUTH S1-x"',
    '\thactl_check=10.0.0.1:80 checkcommand="/usr/bin/x S1-x"',
    '\tcheckcommand="/usr/bin/mysqladmin -u x -pS1-x2 ping"',
    '\tcheckcommand="/usr/bin/x S1-x"',
    '\tcheckcommand=/usr/bin/snmpget -v2c -c S1-x %h',
    '\tcheckcmd="/usr/bin/x S1-x"',
    '\tcheck_command="/usr/bin/x S1-x"',
    '\tfallbackcommand="/usr/bin/x S1-x"',
    '\tfallback_command=/usr/bin/x S1-x',
    '\tcallback="/usr/bin/x --S1-x"',
    '\tbindpassword=S1-x',
    '\tldappasswd=S1-x',
    '\treal=10.0.0.2:80 masq "/x?tok=S1-x","OK"',
    '\treal=10.0.0.2:80 masq passwd=S1-x',
    '\tcookie: S1-x',
    '\tquiescent=yes password=S1-x',
    '# passwd="S1-x"',
    '#\tpasswd S1-x',
    '; secret=S1-x',
    '\tpasswd="S1-x',
    '\tpasswd=S1-x S2-y',
    '\tlogin="u" passwd="S1-x"',
    '\tlogin=u,passwd=S1-x',
    '\tvirtualhost=www.example Authorization: Bearer S1-x',
    '\tdatabase="host=db user=u password=S1-x"',
    '\tdatabase="Server=db;Uid=u;Pwd=S1-x;"',
    '\thactl_send="*2\\r\\n$4\\r\\nAUTH\\r\\n$4\\r\\nS1-x\\r\\n"',
    '\thactl_send="LOGIN u S1-x\\r\\n"',
    '\thactl_send="{\\"token\\":\\"S1-x\\"}"',
    '\thactl_send="<password>S1-x</password>"',
    '\thactl_expect="token S1-x"',
    '\tpasswd="S1-x"passwd="S2-x"',
    '\tPassWd = S1-x',
    'passwd\t=\t"S1-x"',
  ],
};

const readOf =
  (texts: Readonly<Record<string, string>>): ReadFile =>
  (path) => {
    const text = texts[path.slice(DIR.length + 1)];
    return text === undefined ? undefined : {text, mode: 0o600, realPath: path};
  };
const clusterOf = (texts: Readonly<Record<string, string>>) =>
  loadCluster({dir: DIR, read: readOf(texts), mode: 'lenient', resolve, localNode: 'director1'});

/** All output about these files. */
function shownOf(texts: Readonly<Record<string, string>>, name: string): string {
  const paths = Object.keys(texts).map((file) => `${DIR}/${file}`);
  const {diagnostics, sources} = checkFiles({paths, read: readOf(texts), mode: 'lenient', resolve});
  const [before, after] = [clusterOf(base), clusterOf(texts)];
  return [
    ...diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, sources)),
    ...diagnostics.map((diagnostic) => JSON.stringify(redactDiagnostic(diagnostic, sources))),
    ...(before.cluster && after.cluster
      ? compareFacts(configFacts(before.cluster), configFacts(after.cluster)).map((fact) =>
          JSON.stringify(fact),
        )
      : []),
    ...diffText(name, base[name], texts[name]),
    redactFile(texts[name] ?? '').text,
  ].join('\n');
}

for (const [name, list] of Object.entries(lines))
  for (const line of list)
    test(`${name}, ${line.trim()}: the secret is not shown`, (t) => {
      t.regex(line, SECRET);
      const shown = shownOf({...base, [name]: `${base[name] ?? ''}${line}\n`}, name);
      t.deepEqual(shown.match(SECRET), null, shown);
    });

test('different secrets are a difference, shown without either', (t) => {
  const of = (password: string) => {
    const text = `${base['ldirectord.cf'] ?? ''}\tcomment="password ${password}"\n`;
    const {cluster} = clusterOf({...base, 'ldirectord.cf': text});
    return cluster ? configFacts(cluster) : [];
  };
  const changes = compareFacts(of('S1-a'), of('S1-b'));
  t.deepEqual(
    changes.map(({from, to}) => [from, to]),
    [['password …', 'password … (changed)']],
  );
});
