/**
 * README and docs: no dead links, no missing commands, and every command of the first steps is accounted for: executed here, or
 * by a named program of the lab (whose text is checked here), or not at all, with a reason. A new command line fails until it is
 * accounted for.
 */
import {spawnSync} from 'node:child_process';
import {existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import {findings} from '../attacks/findings.ts';

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const documents = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(path.join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const {scripts} = JSON.parse(read('package.json')) as {scripts: Readonly<Record<string, string>>};

const withoutBlocks = (text: string): string =>
  text.replaceAll(/^```.*?^```$/gms, '').replaceAll(/`[^`\n]*`/g, '');

/** Anchors that GitHub generates from headings. */
const anchorsOf = (text: string): readonly string[] =>
  [...text.replaceAll(/^```.*?^```$/gms, '').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-'),
  );

test('every link of README and docs leads to a file, and to a heading where it has an anchor', (t) => {
  const dead: string[] = [];
  let count = 0;
  for (const file of documents)
    for (const [, link = ''] of withoutBlocks(read(file)).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      count += 1;
      const [target = '', anchor] = link.split('#');
      const wanted = target === '' ? file : path.join(path.dirname(file), target);
      if (!existsSync(path.join(root, wanted))) dead.push(`${file}: ${link}: no such file`);
      else if (anchor !== undefined && !anchorsOf(read(wanted)).includes(anchor))
        dead.push(`${file}: ${link}: no such heading`);
    }
  t.log(`${count} links in ${documents.length} documents`);
  t.true(count > 50, `${count}`);
  t.deepEqual(dead, []);
});

test('every document is linked from README', (t) => {
  const linked = read('README.md');
  t.deepEqual(
    documents.filter((file) => file.startsWith('docs/') && !linked.includes(`](${file})`)),
    [],
  );
});

test('every `npm run` and every program of the tree that a document names exists', (t) => {
  const missing: string[] = [];
  const bases = ['.', ...readdirSync(path.join(root, 'packages')).map((name) => `packages/${name}`)];
  for (const file of documents) {
    const text = read(file);
    for (const [, name = ''] of text.matchAll(/npm run ([\w:]+)/g))
      if (!(name in scripts)) missing.push(`${file}: npm run ${name}`);
    for (const [, program = ''] of text.matchAll(
      /`(?:node )?((?:test|src|packages)\/[\w./-]+\.(?:ts|mjs|sh))\b/g,
    ))
      // `src/index.ts` exists in each package; NAME is a placeholder.
      if (!program.includes('NAME') && !bases.some((base) => existsSync(path.join(root, base, program))))
        missing.push(`${file}: ${program}`);
  }
  t.deepEqual(missing, []);
});

/** Normalises apostrophes and literals' escapes, to compare sources with documents. */
const plain = (text: string): string => text.replaceAll('’', "'").replaceAll(/\\(?=[\\'`])/g, '');

test('every test that docs/field.md names is in its file', (t) => {
  const missing: string[] = [];
  let count = 0;
  for (const row of read('docs/field.md')
    .split('\n')
    .filter((line) => line.startsWith('| '))) {
    const [, ...parts] = row.split(/`((?:packages|src|test)\/[\w./-]+\.test\.ts)`/);
    for (let index = 0; index < parts.length; index += 2) {
      const [file = '', text = ''] = parts.slice(index, index + 2);
      const source = plain(read(file));
      // A remark may follow the titles: a sentence, or text in parentheses.
      const titles = text.replace(/^: |[ ;|]+$/g, '').split(/\.(?: (?=[A-Z\d])|$)/)[0] ?? '';
      for (const title of text.startsWith(': ') ? titles.split(' · ') : []) {
        count += 1;
        const pieces = plain(title.replace(/ \([^)]*\)$/, '')).split('…');
        if (!pieces.every((piece) => source.includes(piece.trim()))) missing.push(`${file}: ${title}`);
      }
    }
  }
  t.true(count > 100, `${count} titles`);
  t.deepEqual(missing, []);
});

test('every test that findings.ts names is in its file', (t) => {
  const named = findings.flatMap(({tests}) => tests);
  t.true(named.length > 50, `${named.length} tests`);
  t.deepEqual(
    named.filter(([file, title]) => !plain(read(file)).includes(plain(title))),
    [],
  );
});

interface Ran {
  /** Arguments for `hactl`, run in a folder with README's ldirectord.cf. */
  readonly hactl?: readonly string[];
  /** Or a script of package.json with arguments that make it exit at once. */
  readonly npm?: readonly string[];
  readonly status?: number;
  /** Or: the program that executes it, and the text it contains. */
  readonly by?: readonly [file: string, text: string];
  /** Or: why it is not executed. */
  readonly not?: string;
}

/** How each command line of the first steps is executed. */
const steps: Readonly<Record<string, Ran>> = {
  'npm run drill': {by: ['test/run.ts', 'test/drill/main.ts']},
  'npm test': {by: ['.ci/run', 'npm test']},
  '$ hactl check-config ldirectord.cf': {hactl: ['check-config', 'ldirectord.cf']},
  'apt install ./hactl_*_amd64.deb': {by: ['test/machines/single.ts', 'apt-get -y install']},
  'update-alternatives --install /usr/sbin/ipvsadm ipvsadm /usr/lib/hactl/compat/ipvsadm 10': {
    not: 'replaces the ipvsadm of the machine',
  },
  'sysctl -w net.ipv4.ip_forward=1': {by: ['test/lab/namespaces.ts', 'net.ipv4.ip_forward=1']},
  'hactl init --peer director2 --vip 192.0.2.100/24 --service 80 --server 192.0.2.11 --server 192.0.2.12': {
    by: ['test/machines/single.ts', 'hactl init --peer director2 --vip'],
  },
  'hactl join 192.0.2.1 GCB1-AF68-Q6CT-2GRR-WBE3-A60H': {by: ['test/machines/pair.ts', 'hactl join']},
  'hactl check-config': {hactl: ['check-config', 'ldirectord.cf']},
  'hactl check-config --fix': {hactl: ['check-config', 'ldirectord.cf', '--fix']},
  'systemctl disable --now heartbeat ldirectord keepalived 2>/dev/null': {
    not: 'the machines of test/machines have none of the three',
  },
  'systemctl start hactld': {not: 'hactl init starts it in test/machines'},
  'cd /opt && git clone <this repository> hactl && cd hactl && npm ci --omit=dev': {
    not: 'the reader fills in the address',
  },
  '/opt/hactl/node_modules/.bin/node /opt/hactl/src/hactl.ts status': {
    not: 'needs the checkout in /opt',
  },
  'hactl status': {by: ['test/machines/pair.ts', 'hactl status']},
};

const stepFiles = ['README.md', 'docs/install.md'];

/** Shell lines: `sh` blocks, and lines with a prompt elsewhere; without comments. */
const commandsOf = (text: string): readonly string[] =>
  [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].flatMap(([, kind, body = '']) =>
    body
      .split('\n')
      .filter((line) => (kind === 'sh' ? line !== '' : line.startsWith('$ ')))
      .map((line) => line.replace(/\s+#.*$/, '')),
  );

const fixture = (name: string): string => read(`test/fixtures/seeds/${name}`);

test('every command of README and install.md runs here and prints what README prints, or its runner or a reason is named', (t) => {
  t.timeout(240_000);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-steps-'));
  t.teardown(() => rmSync(folder, {recursive: true, force: true}));
  let [here, elsewhere, not] = [0, 0, 0];
  for (const file of stepFiles)
    for (const line of commandsOf(read(file))) {
      const ran = steps[line];
      if (ran?.by !== undefined) {
        const [program, text] = ran.by;
        t.true(read(program).includes(text), `${line}: ${program} has no ${text}`);
        elsewhere += 1;
      } else if (ran?.hactl !== undefined) {
        writeFileSync(path.join(folder, 'ldirectord.cf'), fixture('s004_flat.cf'));
        const {status, stdout, stderr} = spawnSync(
          process.execPath,
          [path.join(root, 'src/hactl.ts'), ...ran.hactl],
          {cwd: folder, encoding: 'utf8', env: {...process.env, NO_COLOR: '1'}},
        );
        t.is(status, ran.status ?? 0, `${line}\n${stdout}${stderr}`);
        if (line.startsWith('$ ')) {
          const printed = (read(file).split(`${line}\n`)[1] ?? '').split('```')[0] ?? '';
          for (const shown of printed.split('\n').filter((text) => text.trim() !== '' && text !== '…'))
            t.true(`${stdout}${stderr}`.includes(shown.trim()), `${line} does not print: ${shown}`);
        }
        here += 1;
      } else if (ran?.not !== undefined) {
        t.log(`not executed, ${ran.not}: ${line}`);
        not += 1;
      } else t.fail(`${file}: not accounted for: ${line}`);
    }
  t.log(`${here} commands executed here, ${elsewhere} by named programs, ${not} not executed`);
  t.true(here > 2 && elsewhere > 5);
});
