/** Import reports and diagnostics about a foreign file show its statements without secrets. */
import test from 'ava';
import {redactDiagnostic, renderDiagnostic} from '../diagnostic.ts';
import {importConfig, renderReport, renderSummary, type ImportKind} from './index.ts';

const SECRET = /S\d\d-[\w-]+/g;

const keepalived = `global_defs {
  notification_email { S01-u:S01-p@example.org }
  smtp_server S02-u:S02-p@mail.example.org 25
  snmp_socket tcp:S03-u:S03-p@10.0.0.1:705
  http_proxy http://S04-u:S04-p@proxy
  notify_fifo_script "/usr/bin/x -p S05-fifo"
}
vrrp_script chk {
  script "/usr/bin/mysqladmin -uS06-u -pS06-p ping"
  interval 2
}
vrrp_script chk2 { script "/usr/bin/curl -u S07-u:S07-p http://x/?t=S07-q" interval 2 }
vrrp_instance VI_1 {
  state MASTER
  interface eth0
  virtual_router_id 51
  priority 100
  authentication {
    auth_type PASS
    auth_pass S08-pass
  }
  virtual_ipaddress { 10.0.0.100/24 dev eth0 }
  notify_master "/usr/bin/notify --token S10-tok"
  notify_backup "/usr/bin/notify S11-tok"
  notify "/bin/sh -c 'PW=S12-x run'"
  auth_passs S14-typo
  authpass S15-typo
}
virtual_server 10.0.0.100 80 {
  lb_algo rr
  lb_kind NAT
  protocol TCP
  virtualhost S16-u:S16-p@www
  quorum_up "/usr/bin/x --password S17-p"
  quorum_down "curl https://S18-u:S18-p@hook/S18-path"
  real_server 10.0.0.1 80 {
    HTTP_GET {
      url { path "/check?token=S19-q" status_code 200 }
      http_header "Authorization: Basic S20-b"
    }
    notify_up "/usr/bin/x S21-arg"
  }
  real_server 10.0.0.2 80 {
    MISC_CHECK {
      misc_path "/usr/bin/check -p S22-p"
      misc_timeout 3
    }
  }
}
snmp_community S29-x
foo_password S30-x
vrrp_script chk3 {
  script /usr/bin/psql postgresql://u:S31-p@db/x
}
vrrp_script chk4 {
  script "PGPASSWORD=S33-p /usr/bin/psql -c 'select 1'"
}
virtual_server_group G { 10.0.0.103 80 }
virtual_server group G {
  delay_loop 5
  lb_kind NAT
  real_server 10.0.0.3 443 {
    SSL_GET {
      url { path /a;token=S35-p digest 0123456789abcdef0123456789abcdef }
      url { path "https://u:S36-p@www/x" regex "token=S36-r" }
      url { path /x virtualhost S36-u:S36-v@www }
    }
    notify_down "/usr/bin/x Authorization:S37-b"
  }
  real_server 10.0.0.4 25 {
    SMTP_CHECK { helo_name S38-u:S38-p@x }
  }
  real_server 10.0.0.5 53 {
    DNS_CHECK { name "x" tsig S39-k }
  }
  real_server 10.0.0.6 80 {
    TCP_CHECK { connect_timeout 3 password S40-p }
  }
  real_server 10.0.0.7 80 {
    MISC_CHECK {
      misc_path "SECRET=S41-p /usr/bin/check"
    }
  }
  real_server 10.0.0.8 80 {
    MISC_CHECK { misc_path "/usr/bin/check\\ S42-p" }
  }
  real_server 10.0.0.9 80 {
    FILE_CHECK { track_file S43 key S43-a1 }
  }
}
auth_pass=S44-x
auth_pass "S45-x y"
authentication { auth_type PASS auth_pass S46-x }
authentication auth_type AH auth_pass S47-x
$PASS=S48-x
$DB_PASSWORD="S49-x"
@lvs1 auth_pass S50-x
# auth_pass S53-x
! auth_pass S54-x
api_token S55-x
bfd_instance b { auth sha1 1 S56-x }
smtp_auth u S57-x
nftables_key S59-k1
`;

const piranha = `serial_no = 1
primary = 10.0.0.11
backup = 10.0.0.12
backup_active = 1
service = lvs
heartbeat = 1
keepalive = 6
deadtime = 18
network = direct
email_to = S02-u:S02-p@x
smtp_password = S03-x
virtual web {
  active = 1
  address = 10.0.0.100 eth0:1
  port = 80
  send = "GET /?token=S04-q HTTP/1.0\\r\\nAuthorization: Basic S04-b\\r\\n\\r\\n"
  expect = "HTTP"
  send_program = "/usr/bin/x -p S05-p S05-q %h"
  scheduler = wlc
  protocol = tcp
  server r1 {
    address = 10.0.0.1
    active = 1
    weight = 1
    passwd = S08-x
  }
}
failover ftp {
  active = 1
  address = 10.0.0.101 eth0:2
  port = 21
  send = "USER u\\r\\nPASS S09-p\\r\\n"
  start_cmd = "/etc/rc.d/init.d/x start S10-x"
  stop_cmd = "/etc/rc.d/init.d/x stop --password S10-y"
}
virtual redis {
  active = 1
  address = 10.0.0.104 eth0:3
  port = 6379
  send = "AUTH S11-p\\r\\nPING\\r\\n"
  expect = "token S12-e1"
  expect_program = "/usr/bin/x S13-p"
  load_monitor = /usr/bin/ruptime S14-p
  quiesce_server = 0 password S15-p
  server r2 {
    address = u:S16-p@10.0.0.2
    active = 1
  }
}
rsh_command = ssh -i /root/key -p S17-p
password = "S18-x"
password S19-x
heartbeat_key = S20-k1
failover_key S22-k1
# password = S23-x
email_auth = u S24-x
`;

function shownOf(kind: ImportKind, text: string): string {
  const result = importConfig(
    {path: '/etc/foreign.conf', text},
    {
      kind,
      secret: 'key-of-the-new-pair',
      context: {
        node: 'lvs1',
        peer: 'lvs2',
        peerKnown: true,
        configId: '',
        addresses: [],
        installDir: '/etc/ha.d',
        resolve: {host: () => undefined, service: () => undefined},
        read: () => undefined,
        glob: () => [],
      },
    },
  );
  return [
    renderReport(result.report),
    renderSummary(result.report, (line) => line),
    JSON.stringify(result.report),
    ...result.diagnostics.flatMap((diagnostic) => [
      renderDiagnostic(diagnostic, result.sources),
      JSON.stringify(redactDiagnostic(diagnostic, result.sources)),
    ]),
  ].join('\n');
}

const breakages: Readonly<Record<string, (line: string) => string>> = {
  'as written': (line) => line,
  'the first letter is missing': (line) => line.replace(/\w/, ''),
  'two letters are swapped': (line) => line.replace(/(\w)(\w)/, '$2$1'),
  'the last quote is missing': (line) => line.replace(/"(?=[^"]*$)/, ''),
  'a brace at its end': (line) => `${line} {`,
  'twice on a line': (line) => `${line} ${line.trim()}`,
};

for (const [kind, text] of [
  ['keepalived', keepalived],
  ['lvs.cf', piranha],
] as const)
  for (const [what, broken] of Object.entries(breakages))
    test(`${kind}, ${what}: no secret is shown`, (t) => {
      const lines = text.split('\n');
      const leaks = lines.flatMap((line, index) => {
        if (line.search(SECRET) < 0) return [];
        const shown = shownOf(kind, lines.with(index, broken(line)).join('\n'));
        return shown.split('\n').filter((row) => row.search(SECRET) >= 0);
      });
      t.deepEqual([...new Set(leaks)], []);
    });
