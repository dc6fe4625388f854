/** docs/tutorials.md: its files and commands, as printed, produce the table printed below them. */
import {spawnSync} from 'node:child_process';
import {chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {loadCluster} from '@hactl/config';
import type {ObservedService} from '@hactl/ipvs';
import {noStatistics} from '@hactl/ipvs/testing';
import test, {type ExecutionContext} from 'ava';
import {renderList} from '../../src/compat/ipvsadm/render.ts';
import {desiredTable} from '../../src/table/desired.ts';
import {checkId} from '../../src/table/services.ts';

const root = path.resolve(import.meta.dirname, '../..');
const [, ...sections] = readFileSync(path.join(root, 'docs/tutorials.md'), 'utf8').split(/^## /m);

/** Code blocks by their info string: a file name, `sh` or `table`. */
const blocksOf = (section: string): ReadonlyMap<string, string> =>
  new Map(
    [...section.matchAll(/^```(\S+)\n(.*?)^```$/gms)].map(
      ([, name = '', text = '']) => [name, text] as const,
    ),
  );

/** The articles' directory in a temporary folder. */
function machine(t: ExecutionContext, blocks: ReadonlyMap<string, string>) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-tutorial-'));
  t.teardown(() => rmSync(folder, {recursive: true, force: true}));
  const places = {'/etc/ha.d': path.join(folder, 'ha.d'), '/etc/sysconfig/ha': path.join(folder, 'lvs')};
  for (const directory of Object.values(places)) mkdirSync(directory);
  for (const [name, text] of blocks)
    if (name !== 'sh' && name !== 'table')
      writeFileSync(path.join(places[name === 'lvs.cf' ? '/etc/sysconfig/ha' : '/etc/ha.d'], name), text);
  const translated = (word: string): string =>
    Object.entries(places).reduce((text, [from, to]) => text.replace(from, to), word);
  return {config: places['/etc/ha.d'], translated};
}

/** `ipvsadm -Ln` of the director's table when every real server is up. */
function tableOf(dir: string): string {
  const {cluster} = loadCluster({
    dir,
    read: (file) => {
      try {
        const target = file.replace('/etc/ha.d', dir);
        return {text: readFileSync(target, 'utf8'), mode: statSync(target).mode & 0o777};
      } catch {
        return undefined;
      }
    },
    mode: 'lenient',
    resolve: {host: () => undefined, service: () => undefined},
  });
  const virtuals = cluster?.ldirectord.flatMap((file) => file.virtuals) ?? [];
  const verdicts = new Map(
    virtuals.flatMap((virtual) => virtual.reals.map((real) => [checkId(virtual, real), 'up'] as const)),
  );
  const services: ObservedService[] = desiredTable({
    virtuals,
    verdicts,
    current: [],
    readdQuiescent: false,
  }).map(({service, destinations}) => ({
    service,
    statistics: noStatistics,
    destinations: destinations.map((destination) => ({
      ...destination,
      activeConnections: 0,
      inactiveConnections: 0,
      persistentConnections: 0,
      statistics: noStatistics,
    })),
  }));
  const format = {numeric: true, sort: true, exact: false, columns: 'default'} as const;
  const text = renderList({version: '1.2.1', tableSize: 4096, services}, true, format, undefined);
  // ipvsadm prints trailing blanks.
  return text.replaceAll(/ +$/gm, '').split('\n').slice(3).join('\n');
}

test('each of the five tutorials has a page', (t) => {
  t.is(sections.length, 5);
});

for (const section of sections) {
  const title = section.split('\n', 1)[0] ?? '';
  test(`${title}: the files and commands of the page produce its table`, (t) => {
    const blocks = blocksOf(section);
    const {config, translated} = machine(t, blocks);
    let [ran, compared] = [0, 0];
    for (const line of (blocks.get('sh') ?? '').trim().split('\n')) {
      const [program = '', ...words] = line.split(' ').map((word) => translated(word));
      if (line === 'hactl ipvsadm -Ln') {
        t.is(tableOf(config), blocks.get('table') ?? 'no table');
        compared += 1;
      } else if (program === 'chmod') chmodSync(words[1] ?? '', Number.parseInt(words[0] ?? '', 8));
      else if (program === 'hactl') {
        const {status, stdout, stderr} = spawnSync(
          process.execPath,
          [path.join(root, 'src/hactl.ts'), ...words],
          {encoding: 'utf8', env: {...process.env, NO_COLOR: '1'}},
        );
        t.is(status, 0, `${line}\n${stdout}${stderr}`);
        ran += 1;
      } else t.is(line, 'systemctl start hactld');
    }
    t.is(compared, 1);
    t.true(ran > 0);
  });
}

test('the units can read the scripts in /root of two articles', (t) => {
  const scripts = sections.join().match(/\/root\/[\w/.]+/g) ?? [];
  t.true(scripts.length >= 2);
  for (const unit of ['hactld.service', 'ldirectord@.service']) {
    const text = readFileSync(path.join(root, 'src/packaging/files', unit), 'utf8');
    t.regex(text, /^ProtectHome=read-only$/m, unit);
  }
});
