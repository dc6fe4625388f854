/**
 * Two network namespaces with an IPVS table each: the original program (keepalived, ipvsadm, a director) programs one, our
 * driver applies the plan for the imported files in the other, and `ipvsadm -S -n` prints both.
 */
import {spawn, execFileSync, type ChildProcess} from 'node:child_process';
import {closeSync, globSync, mkdtempSync, openSync, readFileSync, rmSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import {importConfig, loadWritten, type ImportContext, type VirtualService} from '@hactl/config';
import {openKernelIpvs, plan, type IpvsClient, type VirtualTable} from '@hactl/ipvs';
import {withNamespace} from '@hactl/net';
import {desiredTable} from '../table/desired.ts';
import {checkId} from '../table/services.ts';

export const ip = (...words: string[]): string => execFileSync('ip', words, {encoding: 'utf8'});
export const inside = (name: string, ...words: string[]): string =>
  execFileSync('ip', ['netns', 'exec', name, ...words], {encoding: 'utf8'});

/** The sorted output of `ipvsadm -S -n`. */
export const table = (name: string): string[] =>
  inside(name, 'ipvsadm', '-S', '-n').split('\n').filter(Boolean).toSorted();

const services: Readonly<Record<string, number>> = {http: 80, 'http-alt': 8080};
export const hosts: Readonly<Record<string, string>> = {
  'www.example.org': '192.0.2.80',
  'web1.example.org': '192.0.2.81',
};
export const context: ImportContext = {
  node: 'lvs1',
  peer: 'lvs2',
  peerKnown: true,
  configId: 'left',
  addresses: [],
  installDir: '/etc/ha.d',
  resolve: {
    host: (name, family) => (family === 4 ? hosts[name] : undefined),
    service: (name) => services[name],
  },
  read: (name) => readFileSync(name, 'utf8'),
  glob: (pattern) => globSync(pattern).toSorted(),
};

/** The virtual services that hactld would load from the import. Throws the diagnostics if the import has errors. */
export function virtualsOf(file: string): readonly VirtualService[] {
  const result = importConfig(
    {path: file, text: readFileSync(file, 'utf8')},
    {context, secret: 'x'.repeat(64)},
  );
  const errors = result.diagnostics.filter((diagnostic) => diagnostic.severity === 'error');
  if (errors.length > 0) throw new Error(JSON.stringify(errors));
  return loadWritten(result.files, context).cluster?.ldirectord.flatMap((config) => config.virtuals) ?? [];
}

/** Removes the checkers: nothing answers here, and keepalived then programs all servers. */
export function withoutCheckers(text: string): string {
  const head = /\b(?:HTTP_GET|SSL_GET|[A-Z]+_CHECK)\s*\{/;
  let rest = text;
  let kept = '';
  for (let match = head.exec(rest); match; match = head.exec(rest)) {
    kept += rest.slice(0, match.index);
    let [offset, depth] = [match.index + match[0].length, 1];
    for (; offset < rest.length && depth > 0; offset += 1)
      depth += rest[offset] === '{' ? 1 : rest[offset] === '}' ? -1 : 0;
    rest = rest.slice(offset);
  }
  return kept + rest;
}

export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
}

export interface Tables {
  /** Names of the namespaces. */
  readonly ours: string;
  readonly theirs: string;
  /** A directory that is removed by close(). */
  readonly work: string;
  /** keepalived's last output. */
  readonly output: () => string;
  /** Programs the import's table with all servers up or all down. Returns the lines of ipvsadm. */
  readonly program: (virtuals: readonly VirtualService[], state?: 'up' | 'down') => Promise<string[]>;
  /** Waits until keepalived's table is `wanted`, `limit` milliseconds at most. Returns the table. */
  readonly keepalivedOn: (file: string, wanted: readonly string[], limit?: number) => Promise<string[]>;
  readonly close: () => void;
}

export async function openTables(): Promise<Tables> {
  const [ours, theirs] = [`hactl-import-a-${process.pid}`, `hactl-import-b-${process.pid}`];
  for (const name of [ours, theirs]) {
    ip('netns', 'add', name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
  }
  const [own, target] = [openSync('/proc/thread-self/ns/net', 'r'), openSync(`/run/netns/${ours}`, 'r')];
  const ipvs: IpvsClient = await withNamespace(target, own, () => openKernelIpvs());
  closeSync(own);
  closeSync(target);
  const work = mkdtempSync(path.join(os.tmpdir(), 'hactl-import-'));
  let output = '';
  return {
    ours,
    theirs,
    work,
    output: () => output,
    program: async (virtuals, state = 'up') => {
      await ipvs.flush();
      let current: readonly VirtualTable[] = [];
      for (const verdict of state === 'up' ? (['up'] as const) : (['up', 'down'] as const)) {
        const verdicts = new Map(
          virtuals.flatMap((virtual) =>
            virtual.reals.map((real) => [checkId(virtual, real), verdict] as const),
          ),
        );
        const wanted = desiredTable({virtuals, verdicts, current, readdQuiescent: false});
        // oxlint-disable-next-line no-await-in-loop -- in the plan's order
        for (const operation of plan(current, wanted)) await ipvs.apply(operation);
        current = wanted;
      }
      return table(ours);
    },
    keepalivedOn: async (file, wanted, limit = 60_000) => {
      inside(theirs, 'ipvsadm', '-C');
      const pids = ['-p', path.join(work, 'pid'), '-c', path.join(work, 'checkers.pid')];
      const words = ['keepalived', '-n', '-C', '-l', '-D', '-i', 'left', '-f', file, ...pids];
      const child = spawn('ip', ['netns', 'exec', theirs, ...words], {stdio: ['ignore', 'pipe', 'pipe']});
      output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk: Buffer) => {
          output += chunk.toString();
        });
      try {
        const deadline = performance.now() + limit;
        for (;;) {
          await pause(500); // oxlint-disable-line no-await-in-loop -- a condition with a deadline
          const now = table(theirs);
          if (now.join('\n') === wanted.join('\n') || child.exitCode !== null || performance.now() > deadline)
            return now;
        }
      } finally {
        child.kill('SIGTERM');
        await ended(child);
      }
    },
    close: () => {
      ipvs.close();
      for (const name of [ours, theirs]) ip('netns', 'delete', name);
      rmSync(work, {recursive: true, force: true});
    },
  };
}
