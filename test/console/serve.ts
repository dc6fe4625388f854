/** A console for a director of a pair in namespaces. It listens on loopback, outside the namespaces. */
import {execFileSync, spawn} from 'node:child_process';
import type {makeCluster} from '../drill/cluster.ts';
import {labProgram} from '../lab/programs.ts';
import {until} from '../lab/until.ts';

const LIMIT_MS = 300_000;

export interface RunningConsole {
  readonly port: number;
  /** Output of `hactl-console WORD`. */
  readonly ask: (word: 'link' | 'token') => string;
  /** Stops it; resolves when it has exited. */
  readonly stop: () => Promise<void>;
}

/** Starts it and waits until it listens, by default on loopback. It ends with this process. */
export async function serveConsole(
  cluster: ReturnType<typeof makeCluster>,
  director: string,
  port: number,
  address = '127.0.0.1',
): Promise<RunningConsole> {
  const {node} = cluster.site;
  const folder = cluster.directory(director);
  const words = [
    labProgram('hactl-console'),
    '--run-dir',
    `${folder}/run`,
    '--state-dir',
    `${folder}/console`,
    '--name',
    'localhost',
    '--listen',
    `${address}:${port}`,
  ];
  const server = spawn(node, words, {stdio: ['ignore', 'pipe', 'inherit']});
  const kill = (): void => void server.kill();
  process.once('exit', kill);
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const stop = (): Promise<void> => {
    kill();
    return ended;
  };
  let output = '';
  server.stdout.on('data', (chunk: Buffer) => {
    output += String(chunk);
  });
  await until('the console listens', LIMIT_MS, () => output.includes('listening on'));
  return {
    port,
    ask: (word) => execFileSync(node, [...words, word], {encoding: 'utf8'}).trim(),
    stop,
  };
}
