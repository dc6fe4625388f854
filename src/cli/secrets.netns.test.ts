/**
 * A live pair whose files are full of secrets, with programs that print their arguments, a server that echoes every request,
 * and a peer that is fenced: no output of any command, no log, journal, bundle or process argument contains one. The commands
 * come from the command tree, so new ones are included.
 */
import {execFileSync} from 'node:child_process';
import {existsSync, globSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {makeNamespaces, type NamespaceSite} from '../../test/lab/namespaces.ts';
import {until} from '../../test/lab/until.ts';
import {ask} from '../control/client.ts';
import {controlSocket} from '../system/paths.ts';
import {flatten, treeOf, type CommandTree} from './command-tree.ts';
import {PLANTED, plantedFiles, PRINTS, THING} from './planted.fixture.ts';
import {makeProgram} from './program.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const LIMIT = 90_000;
const [one, two] = ['director1', 'director2'] as const;

const ECHO = `
  import net from 'node:net'; import dgram from 'node:dgram';
  net.createServer((socket) => { socket.on('error', () => {}); socket.on('data', (chunk) => socket.write("-ERR unknown: " + chunk.toString('latin1'))); }).listen(7);
  const udp = dgram.createSocket('udp4'); udp.on('message', (bytes, from) => udp.send(bytes, from.port, from.address)); udp.bind(7);
`;

/** Values of options that take one; options without are omitted. */
const valuesIn = (folder: string): Readonly<Record<string, string>> => ({
  '--config-dir': `${folder}/ha.d`,
  '--state-dir': `${folder}/state`,
  '--node': one,
  '--count': '1',
  '--vip': '10.99.0.100',
  '--real': '10.99.0.11',
  '--wait': '100',
});
/** These never exit, or write files. */
const leftOut = new Set(['--follow', '--json', '--help', '--fix', '--force', '--version']);

/** Commands that must not run unmodified: they would change this machine or wait for input. */
const special = (folder: string): Readonly<Record<string, readonly string[][]>> => ({
  'hactl init': [
    ['init', '--from', `${folder}/ha.d`, '--config-dir', `${folder}/new`, '--node', one, '--dry-run'],
  ],
  'hactl console': [['console', '--state-dir', `${folder}/console`, 'status']],
  // It prints a token, which is meant to be read, and waits ten minutes for the second director.
  'hactl invite': [],
  'hactl join': [
    ['join', '127.0.0.1', 'not-a-token', '--config-dir', `${folder}/new`, '--no-start', '--port', '9'],
  ],
});

/** The command lines of a command: bare, as JSON, and with each of its switches. */
function linesOf(command: CommandTree, folder: string): readonly string[][] {
  const specialLines = special(folder)[command.path];
  if (specialLines) return specialLines;
  const values = valuesIn(folder);
  const words = command.path.split(' ').slice(1);
  const needed = command.arguments
    .filter(({shown}) => shown.startsWith('<'))
    .map(({choices, kind}) => choices[0] ?? {file: `${folder}/ha.d/ha.cf`, directory: `${folder}/ha.d`, real: '10.99.0.11', other: '1'}[kind]); // prettier-ignore
  const optional = command.path === 'hactl ipvsadm' ? ['-L', '-n'] : [];
  const fixed = command.options.flatMap(({long, value}) =>
    value !== undefined && values[long] !== undefined ? [long, values[long]] : [],
  );
  const base = [...words, ...needed, ...optional, ...fixed];
  const has = (name: string): boolean => command.options.some(({long}) => long === name);
  return [
    base,
    ...(has('--json') ? [[...base, '--json']] : []),
    ...command.options
      .filter(({long, value}) => value === undefined && !leftOut.has(long))
      .map(({long}) => [...base, long]),
  ];
}

/** Runs a command as hactl.ts does, but in this process: a new process takes seconds on a busy machine. */
async function inThisProcess(line: readonly string[]): Promise<string> {
  const messages: string[] = [];
  const [out, error] = [process.stdout, process.stderr].map((stream) => stream.write.bind(stream));
  const {exitCode} = process;
  const keep = (chunk: string | Uint8Array): boolean => {
    messages.push(Buffer.from(chunk as string).toString());
    return true;
  };
  process.stdout.write = keep;
  process.stderr.write = keep;
  try {
    await makeProgram(() => undefined).parseAsync(['node', 'hactl', ...line]);
  } catch (problem) {
    messages.push(problem instanceof Error ? problem.message : String(problem));
  } finally {
    if (out) process.stdout.write = out;
    if (error) process.stderr.write = error;
    process.exitCode = exitCode;
  }
  return messages.join('');
}

async function startPair(site: NamespaceSite, t: {teardown(fn: () => unknown): void}) {
  const folderOf = (host: string): string => path.join(site.root, host);
  await site.start(
    site.webs[0] ?? '',
    [site.node, '--input-type=module', '-e', ECHO],
    `${site.root}/echo.log`,
  );
  const start = async (host: string) => {
    const folder = folderOf(host);
    const files = plantedFiles({folder, echo: '10.99.0.11', vip: site.vip});
    for (const [name, text] of Object.entries(files))
      await site.write(host, `${folder}/ha.d/${name}`, text, 0o600);
    await site.write(host, `${folder}/ha.d/prints`, PRINTS, 0o755);
    await site.write(host, `${folder}/ha.d/resource.d/Thing`, THING, 0o755);
    const words = ['--config-dir', `${folder}/ha.d`, '--run-dir', `${folder}/run`, '--state-dir', `${folder}/state`, '--node', host]; // prettier-ignore
    const program = await site.start(
      host,
      [site.node, path.join(root, 'src/hactld.ts'), ...words],
      `${folder}/hactld.log`,
    );
    t.teardown(() => program.kill('SIGKILL', true));
    return program;
  };
  const started = await Promise.all([one, two].map(start));
  /** Both die, and the first returns alone. */
  const comeBackAlone = async (): Promise<void> => {
    for (const program of started) await program.kill('SIGKILL', true);
    await start(one);
  };
  return {folderOf, comeBackAlone};
}

test('no output of any command, log, journal, bundle or process argument has a planted secret', async (t) => {
  t.timeout(6 * LIMIT);
  const site = makeNamespaces({checkout: root, letter: 'z'});
  t.teardown(() => site.destroy());
  const {folderOf, comeBackAlone} = await startPair(site, t);
  const folder = folderOf(one);
  const socket = controlSocket(`${folder}/run`);
  const status = () => ask(socket, {command: 'status'}, LIMIT).catch(() => undefined);
  await until('the pair is up and every server was checked', LIMIT, async () => {
    const seen = await status();
    return (
      seen?.engine?.peers.every(({state}) => state === 'up') === true &&
      seen.engine.groups.every(({role}) => role !== 'Initialize') &&
      seen.virtuals.every(({reals}) => reals.every(({check}) => check !== 'unknown'))
    );
  });

  /** Output by source. */
  const outputs = new Map<string, string>();
  const run = async (words: readonly string[], host: string = one): Promise<void> => {
    const line = ['--run-dir', `${folder}/run`, ...words];
    const text =
      host === one && !['ipvsadm', 'console'].includes(words[0] ?? '')
        ? await inThisProcess(line)
        : await site
            .run(host, [site.node, `${root}/src/hactl.ts`, ...line])
            .then(({stdout, stderr}) => `${stdout}\n${stderr}`);
    outputs.set(`${outputs.size} hactl ${words.join(' ')}`, text);
  };
  const commands = flatten(treeOf(makeProgram(() => undefined))).filter(
    ({commands: below}) => below.length === 0,
  );
  t.true(commands.length > 25, `${commands.length} commands`);
  const bundle = `${site.root}/bundle.tar.gz`;
  for (const command of commands)
    for (const words of linesOf(command, folder)) {
      const isBundle = command.path === 'hactl support-bundle';
      if (isBundle && existsSync(bundle)) continue;
      // A director must not be made a real server.
      const host = /^hactl realserver (?:apply|undo)/.test(command.path) ? 'web2' : one;
      await run([...words, ...(isBundle ? ['--out', bundle] : [])], host);
    }
  outputs.set('the bundle', execFileSync('tar', ['-xzOf', bundle], {encoding: 'utf8'}));

  // The files on disk are invalid: the daemon reports it.
  const files = plantedFiles({folder, echo: '10.99.0.11', vip: site.vip});
  for (const [name, broken] of [
    [
      'ha.cf',
      (text: string) =>
        text.replace('hactl_webhook', 'hactl_webhok').replace('hactl_fence', 'set hactl_fence'),
    ],
    ['authkeys', (text: string) => text.replace('1 md5', '1 md6')],
    [
      'ldirectord.cf',
      (text: string) => text.replaceAll('passwd=', 'paswd ').replace('request="AUTH', 'reqest="AUTH'),
    ],
    ['haresources', (text: string) => `nobody ${text}`],
  ] as const) {
    await site.write(one, `${folder}/ha.d/${name}`, broken(files[name] ?? ''), 0o600);
    for (const words of [
      ['plan'],
      ['plan', '--json'],
      ['reload'],
      ['reload', '--json'],
      ['push', '--dry-run'],
      ['config', 'diff'],
      ['doctor', '--config-dir', `${folder}/ha.d`],
      ['check-config', '--config-dir', `${folder}/ha.d`],
    ])
      // prettier-ignore
      await run(words);
    await site.write(one, `${folder}/ha.d/${name}`, files[name] ?? '', 0o600);
  }
  // Valid files with other secrets: a plan of the changes, and the reload.
  await site.write(one, `${folder}/ha.d/ldirectord.cf`, (files['ldirectord.cf'] ?? '').replaceAll(/(S\d\d-\w+)/g, '$1-new'), 0o600); // prettier-ignore
  for (const words of [
    ['plan'],
    ['config', 'diff'],
    ['reload'],
    ['push'],
    ['config', 'history', '--json'],
    ['config', 'rollback', '1'],
  ])
    // prettier-ignore
    await run(words);

  // Both die; the one that returns does not hear the peer, and fences it.
  await comeBackAlone();
  await until('the peer is fenced, without success', LIMIT, () => {
    const text = readFileSync(`${folder}/hactld.log`, 'utf8');
    return /fence .* for director2/.test(text);
  });
  for (const words of [
    ['status'],
    ['status', '--json'],
    ['events', '--json'],
    ['why'],
    ['resource', 'list'],
    ['watch', '--count', '1'],
  ])
    // prettier-ignore
    await run(words);

  for (const host of [one, two])
    for (const file of globSync([`${folderOf(host)}/*.log*`, `${folderOf(host)}/state/**/*journal*`]))
      outputs.set(file, readFileSync(file, 'utf8'));
  t.true([...outputs.keys()].some((name) => name.includes('journal')));
  for (const {name, pid} of (await status())?.processes ?? [])
    if (pid !== undefined) outputs.set(`arguments of ${name}`, readFileSync(`/proc/${pid}/cmdline`, 'utf8'));

  const leaks = [...outputs].flatMap(([where, text]) => {
    const found = [...new Set(text.match(PLANTED))];
    const [line = ''] = text.split('\n').filter((words) => words.search(PLANTED) >= 0);
    return found.length === 0 ? [] : [`${where}: ${found.join(', ')}: ${line.slice(0, 300)}`];
  });
  t.deepEqual(leaks, []);
  t.log(`${outputs.size} outputs of ${commands.length} commands, logs and journals`);
});
