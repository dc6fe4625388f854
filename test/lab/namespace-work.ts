/** Work in a named network namespace: of this thread, and of programs that talk in lines over one connection. */
import {execFileSync, spawn, type ChildProcess} from 'node:child_process';
import {closeSync, openSync} from 'node:fs';
import {createInterface} from 'node:readline';
import {withNamespace} from '@hactl/net';

/** A socket belongs to the namespace in which it is opened. */
export function inside<Result>(name: string, work: () => Result): Result {
  const [own, target] = [openSync('/proc/thread-self/ns/net', 'r'), openSync(`/run/netns/${name}`, 'r')];
  try {
    return withNamespace(target, own, work);
  } finally {
    closeSync(own);
    closeSync(target);
  }
}

/** Runs a command there; returns its output. */
export const runInside = (name: string, ...words: string[]): string =>
  execFileSync('ip', ['netns', 'exec', name, ...words], {encoding: 'utf8'});

export interface Talker {
  say(line: string): void;
  /** The next line of its output. */
  next(): Promise<string>;
}

export interface Talkers {
  /** Prints `listens`, and answers each line with its name and the line. */
  server(namespace: string, name: string): Talker;
  /** Prints `connected`, what comes back for each line of its input, or the error's code. */
  client(namespace: string, address: string): Talker;
  end(): void;
}

/** Programs of node on port 80. */
export function makeTalkers(): Talkers {
  const children = new Set<ChildProcess>();
  const start = (namespace: string, program: string): Talker => {
    const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, '-e', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    children.add(child);
    const lines = createInterface({input: child.stdout})[Symbol.asyncIterator]();
    return {
      say: (line) => void child.stdin.write(`${line}\n`),
      next: async () => String((await lines.next()).value),
    };
  };
  return {
    server: (namespace, name) =>
      start(
        namespace,
        `require('node:net').createServer((s) => s.on('error', () => {}).on('data', (d) => s.write('${name} ' + d))).listen(80, '::', () => console.log('listens'))`,
      ),
    client: (namespace, address) =>
      start(
        namespace,
        `const s = require('node:net').connect(80, '${address}', () => console.log('connected'));
         s.on('error', (e) => console.log(e.code)).on('data', (d) => process.stdout.write(d));
         process.stdin.on('data', (d) => s.write(d))`,
      ),
    end: () => {
      for (const child of children) child.kill('SIGKILL');
      children.clear();
    },
  };
}

/** TCP segments that the namespace has sent again. */
function repeatedSegments(name: string): number {
  const [fields = '', values = ''] = runInside(name, 'cat', '/proc/net/snmp')
    .split('\n')
    .filter((line) => line.startsWith('Tcp:'));
  return Number(values.split(' ')[fields.split(' ').indexOf('RetransSegs')]);
}

/** Resolves when the namespace has sent a TCP segment again. */
export async function sendsAgain(name: string): Promise<void> {
  const before = repeatedSegments(name);
  // Each look starts a program.
  while (repeatedSegments(name) === before) await new Promise(setImmediate); // oxlint-disable-line no-await-in-loop -- one after another.
}
