/** Programs in network namespaces: run to completion, or started in their own process group and monitored. */
import {execFile, spawn, type ChildProcess} from 'node:child_process';
import {chmodSync, createWriteStream, mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {createInterface} from 'node:readline';
import {signalGroup} from '@hactl/base';
import type {Outcome, Program, Site} from './site.ts';

/** `namespace` maps a host to its namespace's name. `kill` kills every process group started. */
export function hostPrograms(namespace: (host: string) => string) {
  const children = new Set<ChildProcess>();
  const inside = (host: string, argv: readonly string[]): [string, string[]] => [
    'ip',
    ['netns', 'exec', namespace(host), ...argv],
  ];
  const actions: Pick<Site, 'run' | 'start' | 'write'> = {
    run: (host, argv) =>
      new Promise<Outcome>((resolve) => {
        const [file, words] = inside(host, argv);
        execFile(
          file,
          words,
          {timeout: 60_000, maxBuffer: 1 << 24, env: {...process.env, TZ: 'UTC'}},
          (error, stdout, stderr) =>
            resolve({status: error === null ? 0 : (error.code ?? error.signal ?? 1), stdout, stderr}),
        );
      }),
    start: (host, argv, log) => {
      const [file, words] = inside(host, argv);
      mkdirSync(path.dirname(log), {recursive: true});
      const child = spawn(file, words, {
        detached: true,
        stdio: ['pipe', 'pipe', 'pipe'],
        env: {...process.env, TZ: 'UTC'},
      });
      children.add(child);
      return Promise.resolve(programOf(host, child, log, () => children.delete(child)));
    },
    write: (_, file, text, mode) => {
      mkdirSync(path.dirname(file), {recursive: true});
      writeFileSync(file, text);
      chmodSync(file, mode);
      return Promise.resolve();
    },
  };
  const kill = (): void => {
    for (const child of children) signalGroup(child, 'SIGKILL');
  };
  return {actions, kill};
}

function programOf(host: string, child: ChildProcess, log: string, gone: () => void): Program {
  const lines: string[] = [];
  const listeners: ((line: string) => void)[] = [];
  const file = createWriteStream(log, {flags: 'a'});
  child.stderr?.pipe(file);
  if (child.stdout)
    createInterface({input: child.stdout}).on('line', (line) => {
      lines.push(line);
      for (const listener of listeners) listener(line);
    });
  let running = true;
  const ended = new Promise<number | string>((resolve) => {
    child.on('error', (error) => {
      running = false;
      resolve(error.message);
    });
    child.on('exit', (code, signal) => {
      running = false;
      gone();
      resolve(signal ?? code ?? 1);
    });
  });
  return {
    host,
    pid: child.pid,
    lines,
    ended,
    get running() {
      return running;
    },
    write: (line) => child.stdin?.write(line + '\n'),
    onLine: (listener) => {
      for (const line of lines) listener(line);
      listeners.push(listener);
    },
    signal: (signal) => {
      if (running) signalGroup(child, signal);
    },
    kill: async (signal, group = false) => {
      if (child.pid === undefined || !running) return;
      try {
        process.kill(group ? -child.pid : child.pid, signal);
      } catch {
        return;
      }
      await ended;
    },
  };
}
