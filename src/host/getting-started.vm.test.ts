/**
 * docs/getting-started.md: every command is executed as printed, on machines with the addresses of the page, on a kernel
 * with IPVS. Where packets go through the director, and once where they do not, director1 then loses its power, and the client is
 * served by director2. Only the token is another one, and hactld is started by the test: the machines have no systemd.
 */
import {readFileSync} from 'node:fs';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {labProgram} from '../../test/lab/programs.ts';
import {until as untilWithin} from '../../test/lab/until.ts';
import {makeHosts, type Host, type Outcome} from '../compat/heartbeat/hosts.fixture.ts';

const LIMIT = 240_000;
const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/getting-started.md'), 'utf8');

interface Step {
  readonly host: string;
  readonly command: string;
  /** What the page prints below it. */
  readonly printed: readonly string[];
}

/** The steps of a section: lines with a prompt, and what is printed below each. */
function stepsOf(section: string): readonly Step[] {
  const body = new RegExp(`^## ${section}$.*?^\`\`\`$\\n(.*?)^\`\`\`$`, 'ms').exec(page)?.[1] ?? '';
  const steps: {host: string; command: string; printed: string[]}[] = [];
  for (const line of body.trimEnd().split('\n')) {
    const [, host, command] = /^(\w+)[#$] (.*)$/.exec(line) ?? [];
    if (host !== undefined && command !== undefined) steps.push({host, command, printed: []});
    else steps.at(-1)?.printed.push(line);
  }
  return steps;
}

/** Node's start in the emulated machine takes seconds: the programs' compiled forms are kept. */
const program = (name: 'hactl' | 'hactld'): string => `#!/bin/sh
export NODE_COMPILE_CACHE=${process.env.NODE_COMPILE_CACHE ?? '/var/lib/hactl-compile'}
exec ${process.execPath} ${labProgram(name)} "$@"
`;
const CURL = `#!${process.execPath}
require('node:http').get(process.argv[2], {agent: false, timeout: 2000}, (response) => response.pipe(process.stdout))
  .on('timeout', function () { this.destroy(new Error('timed out')); })
  .on('error', ({message}) => { console.error(message); process.exitCode = 7; });
`;

const typed = (host: Host, line: string): Promise<Outcome> =>
  host.run('env', `PATH=/run/bin:${process.env.PATH}`, 'sh', '-c', line);

const until = <Value>(what: string, look: () => Promise<Value | undefined>): Promise<Value> =>
  untilWithin(what, LIMIT, look, 100);

/** A file of a machine, as seen from here. */
const textOf = (host: Host, file: string): string => {
  try {
    return readFileSync(`${host.root}${file}`, 'utf8');
  } catch {
    return '';
  }
};

async function prepare(t: ExecutionContext, machines: Readonly<Record<string, string | readonly string[]>>) {
  const {hosts, end} = await makeHosts(machines);
  t.teardown(end);
  const at = (name: string): Host => {
    const host = hosts[name];
    if (!host) throw new Error(`the page names ${name}, and there is none`);
    return host;
  };
  for (const host of Object.values(hosts)) {
    // oxlint-disable no-await-in-loop -- a few machines.
    for (const name of ['hactl', 'hactld'] as const) await host.put(`/run/bin/${name}`, program(name), '755');
    await host.put('/run/bin/curl', CURL, '755');
    if (!host.name.startsWith('web')) continue;
    await host.put('/run/www/index.html', `${host.name}\n`);
    await host.run('busybox', 'httpd', '-p', '[::]:80', '-h', '/run/www');
    // oxlint-enable no-await-in-loop
  }
  return at;
}

const untrailed = (lines: readonly string[]): string => lines.join('\n').replaceAll(/ +$/gm, '').trimEnd();
/** Whether the kernel's table is the page's, without the counters and connection sync's own service. */
async function hasTable(host: Host, printed: readonly string[]): Promise<true | undefined> {
  const words = (text: string): string => text.replaceAll(/ +\d+ +\d+ *$/gm, '').replaceAll(/ +/g, ' ');
  const {stdout} = await host.run('ipvsadm', '-Ln');
  const shown = stdout.split('\n').filter((line) => !/ 127\.88\.48\./.test(line));
  return words(shown.join('\n')).includes(words(printed.join('\n'))) || undefined;
}

const starting = (host: Host): Promise<Outcome> => typed(host, 'hactld </dev/null >/run/hactld.log 2>&1 &');

/** Executes a section; `takeover`: pulls director1's plug at the end. */
async function follow(
  t: ExecutionContext,
  section: string,
  machines: Readonly<Record<string, string | readonly string[]>>,
  takeover: boolean,
  before: (at: (name: string) => Host) => Promise<unknown> = () => Promise.resolve(),
): Promise<void> {
  t.timeout(2 * LIMIT);
  const steps = stepsOf(section);
  t.true(steps.length > 4, `${steps.length} steps`);
  const at = await prepare(t, machines);
  await before(at);
  const answers = async (command: string, wanted: readonly string[]): Promise<void> => {
    const seen = new Set<string>();
    await until(`${command}: ${wanted.join(' and ')} answer`, async () => {
      const {status, stdout} = await typed(at('client'), command);
      if (status === 0) seen.add(stdout.trim());
      return wanted.every((name) => seen.has(name)) || undefined;
    });
  };
  let curl = '';
  for (const {host: name, command, printed} of steps) {
    const host = at(name);
    // oxlint-disable no-await-in-loop -- one step after another.
    if (command.startsWith('hactl init ')) {
      // As a person without a terminal: it must not ask.
      await typed(host, `${command} --yes </dev/null >/run/init.log 2>&1 &`);
      await until('the token', () => Promise.resolve(/hactl join .*/.exec(textOf(host, '/run/init.log'))?.[0])); // prettier-ignore
      await starting(host);
    } else if (command.startsWith('hactl join ')) {
      const token = /hactl join \S+ (\S+)/.exec(textOf(at('director1'), '/run/init.log'))?.[1];
      const {status, stdout, stderr} = await typed(host, command.replace(/\S+$/, `${token} </dev/null`));
      t.is(status, 0, `${command}\n${stdout}${stderr}`);
      if (takeover) await starting(host);
    } else if (printed.length > 0) {
      // Debian's own ipvsadm starts at once here: it says when.
      await until('the table is programmed', () => hasTable(host, printed));
      const {stdout} = await typed(host, command);
      t.is(untrailed(stdout.split('\n').slice(-printed.length - 1)), untrailed(printed), stdout);
    } else if (command.startsWith('curl ')) {
      curl = command;
      await answers(command, ['web1', 'web2']);
    } else {
      const {status, stdout, stderr} = await typed(host, command);
      t.is(status, 0, `${name}: ${command}\n${stdout}${stderr}`);
    }
    // oxlint-enable no-await-in-loop
  }
  if (!takeover) return;
  const table = steps.find(({printed}) => printed.length > 0)?.printed ?? [];
  await until('director2 has the table too', () => hasTable(at('director2'), table));
  await at('director1').cut();
  await answers(curl, ['web1', 'web2']);
}

test('every section with commands is executed by one of these tests', (t) => {
  const sections = [...page.matchAll(/^## (.*)$/gm)].map(([, name = '']) => name);
  t.deepEqual(sections, ['Direct routing', 'NAT', 'Tunnels', 'IPv6']);
  t.deepEqual(
    sections.filter((section) => stepsOf(section).length < 5),
    [],
  );
});

const gateway = 'ip route add default via';

test('Direct routing: as the page says, and director2 takes over', (t) =>
  follow(
    t,
    'Direct routing',
    {
      director1: '192.0.2.1/24',
      director2: '192.0.2.2/24',
      web1: '192.0.2.11/24',
      web2: '192.0.2.12/24',
      client: '192.0.2.50/24',
    },
    true,
  ));

test('NAT: as the page says, and director2 takes over', (t) =>
  follow(
    t,
    'NAT',
    {
      director1: ['192.0.2.1/24', '10.0.0.1/24 @inside'],
      director2: ['192.0.2.2/24', '10.0.0.2/24 @inside'],
      web1: '10.0.0.11/24 @inside',
      web2: '10.0.0.12/24 @inside',
      client: '192.0.2.50/24',
    },
    true,
  ));

test('Tunnels: as the page says', (t) =>
  follow(
    t,
    'Tunnels',
    {
      director1: '192.0.2.1/24',
      director2: '192.0.2.2/24',
      web1: '198.51.100.11/24 @far',
      web2: '198.51.100.12/24 @far',
      client: '192.0.2.50/24',
      router: ['192.0.2.254/24', '198.51.100.254/24 @far'],
    },
    false,
    (at) =>
      Promise.all([
        at('router').run('sysctl', '-qw', 'net.ipv4.ip_forward=1'),
        ...['director1', 'director2', 'client'].map((name) =>
          at(name).run('sh', '-c', `${gateway} 192.0.2.254`),
        ),
        ...['web1', 'web2'].map((name) => at(name).run('sh', '-c', `${gateway} 198.51.100.254`)),
      ]),
  ));

test('IPv6: as the page says', (t) =>
  follow(
    t,
    'IPv6',
    {
      director1: '192.0.2.1/24 2001:db8::1/64',
      director2: '192.0.2.2/24 2001:db8::2/64',
      web1: '2001:db8::11/64',
      web2: '2001:db8::12/64',
      client: '2001:db8::50/64',
    },
    false,
  ));
