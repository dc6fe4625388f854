/**
 * The command `hactl import`, the scripts that it writes, and Piranha's table. Debian has no package of pulse: the expected
 * tables are from its documentation and from the output in the seeds' tutorials.
 */
import {spawnSync} from 'node:child_process';
import {globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {loadCluster, type VirtualService} from '@hactl/config';
import type {VirtualTable} from '@hactl/ipvs';
import {desiredTable} from '../table/desired.ts';
import {checkId, serviceName} from '../table/services.ts';

const root = path.resolve(import.meta.dirname, '../..');
const fixtures = path.join(root, 'test/fixtures/import');

const folder = (t: ExecutionContext): string => {
  const made = mkdtempSync(path.join(os.tmpdir(), 'hactl-import-'));
  t.teardown(() => rmSync(made, {recursive: true, force: true}));
  return made;
};

function hactl(...words: string[]): {status: number | null; stdout: string; stderr: string} {
  const {status, stdout, stderr} = spawnSync(process.execPath, [path.join(root, 'src/hactl.ts'), ...words], {
    encoding: 'utf8',
    env: {...process.env, NO_COLOR: '1'},
  });
  return {status, stdout, stderr};
}

const names = ['--node', 'lvs1', '--peer', 'lvs2'];

function virtualsIn(dir: string): readonly VirtualService[] {
  const loaded = loadCluster({
    dir,
    read: (file) => {
      try {
        return {text: readFileSync(file, 'utf8'), mode: statSync(file).mode & 0o777};
      } catch {
        return undefined;
      }
    },
    mode: 'lenient',
    localNode: 'lvs1',
    resolve: {host: () => undefined, service: () => undefined},
  });
  return loaded.cluster?.ldirectord.flatMap((file) => file.virtuals) ?? [];
}

const tableOf = (virtuals: readonly VirtualService[], state: 'up' | 'down'): VirtualTable[] =>
  desiredTable({
    virtuals,
    verdicts: new Map(
      virtuals.flatMap((virtual) => virtual.reals.map((real) => [checkId(virtual, real), state] as const)),
    ),
    current: [],
    readdQuiescent: false,
  });

const lines = (table: readonly VirtualTable[]): string[] =>
  table.flatMap(({service, destinations}) => [
    [
      serviceName(service.key),
      service.scheduler,
      ...(service.persistent === undefined ? [] : [`persistent ${service.persistent}/${service.netmask}`]),
    ].join(' '),
    ...destinations.map(
      (destination) =>
        `  ${destination.address}:${destination.port} ${destination.forward} ${destination.weight}`,
    ),
  ]);

const piranha: Readonly<Record<string, {readonly up: readonly string[]; readonly down: readonly string[]}>> =
  {
    'seed-002.cf': {
      up: [
        'tcp 192.168.122.10:80 wlc',
        '  192.168.122.1:80 gate 1',
        '  192.168.122.2:80 gate 1',
        '  192.168.122.3:80 gate 1',
      ],
      down: ['tcp 192.168.122.10:80 wlc'],
    },
    'seed-003.cf': {
      up: ['tcp 192.168.2.240:3306 lc', '  192.168.2.241:3306 gate 1', '  192.168.2.242:3306 gate 1'],
      down: ['tcp 192.168.2.240:3306 lc'],
    },
    'pair-nat.cf': {
      up: [
        'tcp 192.0.2.10:80 wrr persistent 300/24',
        '  10.0.0.11:8080 masq 4',
        '  10.0.0.12:80 masq 2',
        'fwm 80 lc',
        '  10.0.0.11:0 masq 1',
        'udp 192.0.2.11:53 rr',
        '  10.0.0.53:53 masq 1',
      ],
      // The sorry server is used if no server is up.
      down: [
        'tcp 192.0.2.10:80 wrr persistent 300/24',
        '  10.0.0.99:80 masq 1',
        'fwm 80 lc',
        'udp 192.0.2.11:53 rr',
      ],
    },
    'tunnel.cf': {
      up: [
        'tcp 198.51.100.10:25 wlc',
        '  203.0.113.25:25 ipip 1',
        'tcp 198.51.100.11:7 wlc',
        '  203.0.113.7:7 ipip 1',
      ],
      down: ['tcp 198.51.100.10:25 wlc', 'tcp 198.51.100.11:7 wlc'],
    },
  };

for (const [name, wanted] of Object.entries(piranha))
  test(`lvs.cf ${name}: the table that Piranha programs`, (t) => {
    const out = path.join(folder(t), 'ha.d');
    const {status, stdout, stderr} = hactl(
      'import',
      path.join(fixtures, 'lvs.cf', name),
      '--out',
      out,
      ...names,
    );
    t.is(status, 0, stdout + stderr);
    const virtuals = virtualsIn(out);
    t.deepEqual(lines(tableOf(virtuals, 'up')), wanted.up);
    t.deepEqual(lines(tableOf(virtuals, 'down')), wanted.down);
  });

test('files with their modes; check-config accepts them; the report is printed and saved', (t) => {
  const out = path.join(folder(t), 'ha.d');
  const source = path.join(fixtures, 'lvs.cf/pair-nat.cf');
  const {status, stdout} = hactl('import', source, '--out', out, ...names);
  t.is(status, 0, stdout);
  t.deepEqual(globSync('**/*', {cwd: out, withFileTypes: true}).flatMap((entry) => (entry.isFile() ? [entry.name] : [])).toSorted(), [
    'authkeys', 'check-dns-53', 'ha.cf', 'haresources', 'import-report.txt', 'ldirectord.cf', 'role-commands',
  ]); // prettier-ignore
  t.is(statSync(path.join(out, 'authkeys')).mode & 0o777, 0o600);
  t.is(statSync(path.join(out, 'check-dns-53')).mode & 0o777, 0o755);
  t.regex(readFileSync(path.join(out, 'authkeys'), 'utf8'), /^1 sha256 [0-9a-f]{64}$/m);
  t.true(stdout.includes('a new one was generated'));
  const report = readFileSync(path.join(out, 'import-report.txt'), 'utf8');
  t.false(stdout.includes(report), 'the screen has the summary, the file the full report');
  t.regex(stdout, /^carried over exactly: \d+; approximated: \d+; not carried over: \d+$/m);
  t.true(stdout.includes(path.join(out, 'import-report.txt')));
  t.regex(stdout.trimEnd().split('\n\n').at(-1) ?? '', /^down, unwatched or different after the switch: /);
  t.true(report.includes(`${source}:20: tcp_timeout = 900`));
  t.is(hactl('check-config', out, '--node', 'lvs1').status, 0);
});

test('existing files are overwritten only with --force', (t) => {
  const out = folder(t);
  const source = path.join(fixtures, 'keepalived/01-web-nat.conf');
  writeFileSync(path.join(out, 'haresources'), 'mine\n');
  const refused = hactl('import', source, '--out', out, ...names);
  t.is(refused.status, 1);
  t.true(refused.stderr.includes(path.join(out, 'haresources')), refused.stderr);
  t.deepEqual(globSync('*', {cwd: out}), ['haresources']);
  t.is(readFileSync(path.join(out, 'haresources'), 'utf8'), 'mine\n');
  t.is(hactl('import', source, '--out', out, '--force', ...names).status, 0);
  t.regex(readFileSync(path.join(out, 'haresources'), 'utf8'), /^lvs1 ldirectord/m);
});

test('a broken file: all errors, status 2, nothing written', (t) => {
  const out = path.join(folder(t), 'ha.d');
  const {status, stdout} = hactl('import', path.join(fixtures, 'lvs.cf/broken.cf'), '--out', out);
  t.is(status, 2);
  t.regex(stdout, /broken\.cf:2:1: error\[unknown-directive\]: unknown key servcie/);
  t.regex(stdout, /nothing was written: \d+ errors/);
  t.deepEqual(globSync('*', {cwd: out}), []);
});

test('--json prints the report; --from sets the kind; a missing file is an error', (t) => {
  const out = path.join(folder(t), 'ha.d');
  const source = path.join(fixtures, 'ipvsadm/table-numeric.txt');
  const {status, stdout} = hactl('import', source, '--out', out, '--json', '--from', 'ipvsadm');
  t.is(status, 0, stdout);
  const report = JSON.parse(stdout) as {
    kind: string;
    written: string[];
    report: {fate: string; line: number}[];
  };
  t.is(report.kind, 'ipvsadm');
  t.deepEqual(
    report.written.map((name) => path.basename(name)),
    ['ldirectord.cf', 'import-report.txt'],
  );
  t.is(report.report.length, 14);
  const forced = hactl('import', source, '--out', path.join(out, 'x'), '--from', 'keepalived');
  t.is(forced.status, 2);
  t.regex(forced.stdout, /read as keepalived, the file has neither directors nor virtual services/);
  t.is(hactl('import', path.join(fixtures, 'none')).status, 2);
});

test('@ID lines are selected by --node, or by --config-id if given', (t) => {
  const dir = folder(t);
  const source = path.join(dir, 'keepalived.conf');
  writeFileSync(
    source,
    [
      'vrrp_instance V {',
      '  interface eth0',
      '  virtual_router_id 5',
      '  virtual_ipaddress {',
      '@lvs1 10.0.0.1/24',
      '@lvs2 10.0.0.2/24',
      '  }',
      '}',
    ].join('\n'),
  );
  const addressOf = (...words: string[]): string | undefined => {
    const out = path.join(dir, words.join(''));
    t.is(hactl('import', source, '--out', out, ...words).status, 0);
    return /10\.0\.0\.\d/.exec(readFileSync(path.join(out, 'haresources'), 'utf8'))?.[0];
  };
  t.is(addressOf('--node', 'lvs1.example', '--peer', 'lvs2'), '10.0.0.1');
  t.is(addressOf('--node', 'lvs2', '--peer', 'lvs1'), '10.0.0.2');
  t.is(addressOf('--node', 'lvs2', '--peer', 'lvs1', '--config-id', 'lvs1'), '10.0.0.1');
});

test('scripts: the check of a program, several MISC_CHECKs, and a notify script', (t) => {
  const dir = folder(t);
  const source = path.join(dir, 'keepalived.conf');
  const log = path.join(dir, 'log');
  writeFileSync(
    source,
    `vrrp_instance "a b" {
       interface eth0
       virtual_ipaddress { 192.0.2.1/24 }
       notify_master "/bin/sh -c 'echo master >> ${log}'"
       notify_backup "/bin/sh -c 'echo backup >> ${log}'"
     }
     virtual_server 192.0.2.1 80 {
       protocol TCP
       lvs_method NAT
       real_server 10.0.0.1 80 {
         MISC_CHECK { misc_path "/usr/bin/test 'x y' = 'x y'" }
         MISC_CHECK { misc_path "/bin/true" }
       }
       real_server 10.0.0.2 8080 {
         MISC_CHECK { misc_path "/bin/true" }
         MISC_CHECK { misc_path "/usr/bin/test $HOME = ~" }
       }
       real_server 10.0.0.3 80 { }
     }
    `,
  );
  const out = path.join(dir, 'ha.d');
  const {status, stdout} = hactl('import', source, '--out', out, '--install-dir', out, ...names);
  t.is(status, 0, stdout);
  const [virtual] = virtualsIn(out);
  t.is(virtual?.checkType.kind, 'external');
  const check = (...words: string[]): number | null => spawnSync(virtual?.checkCommand ?? '', words).status;
  t.is(check('192.0.2.1', '80', '10.0.0.1', '80'), 0);
  t.is(check('192.0.2.1', '80', '10.0.0.2', '8080'), 1, 'no shell expands $HOME and ~, as in keepalived');
  t.is(check('192.0.2.1', '80', '10.0.0.3', '80'), 0, 'a server without a check is up');
  const script = path.join(out, 'resource.d/notify-a_b');
  // Its state file is in /run, named after the script: the test runs a copy with another path.
  const scriptCopy = path.join(dir, 'script');
  writeFileSync(scriptCopy, readFileSync(script, 'utf8').replace('/run/hactl-', `${dir}/state-`), {
    mode: 0o755,
  });
  const run = (word: string): string => {
    const result = spawnSync(scriptCopy, [word], {encoding: 'utf8'});
    return `${result.status} ${result.stdout.trim()}`;
  };
  t.deepEqual(['status', 'start', 'status', 'stop', 'status'].map(run), [
    '0 stopped', '0 ', '0 running', '0 ', '0 stopped',
  ]); // prettier-ignore
  t.is(readFileSync(log, 'utf8'), 'master\nbackup\n');
});

test('a send_program of Piranha: up if the output is the expected text', (t) => {
  const dir = folder(t);
  const source = path.join(dir, 'lvs.cf');
  writeFileSync(
    source,
    readFileSync(path.join(fixtures, 'lvs.cf/seed-003.cf'), 'utf8').replace(
      '/root/mysql_mon.sh %h',
      `${dir}/mon.sh %h`,
    ),
  );
  writeFileSync(
    path.join(dir, 'mon.sh'),
    '#!/bin/sh\nif [ "$1" = 192.168.2.241 ]; then echo UP; else echo DOWN; exit 1; fi\n',
    {
      mode: 0o755,
    },
  );
  const out = path.join(dir, 'ha.d');
  t.is(hactl('import', source, '--out', out, '--install-dir', out, '--node', 'lvs1').status, 0);
  const [virtual] = virtualsIn(out);
  const check = (real: string): number | null =>
    spawnSync(virtual?.checkCommand ?? '', ['192.168.2.240', '3306', real, '3306']).status;
  t.is(check('192.168.2.241'), 0);
  t.is(check('192.168.2.242'), 1);
});
