import {spawn} from 'node:child_process';
import {once} from 'node:events';
import test from 'ava';
import {withCause} from './exit-cause.ts';

const GROWS =
  'const kept = []; const grow = () => { for (let i = 0; i < 2000; i += 1) kept.push(new Array(100).fill(i)); setImmediate(grow); }; grow();';

/** Runs Node into a resource limit; returns how it exits. */
async function endUnder(limit: string, ...words: string[]): Promise<string> {
  const script = `${limit}; exec "$0" "$@"`;
  const child = spawn('sh', ['-c', script, process.execPath, ...words, '-e', GROWS], {stdio: 'ignore'});
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return signal ?? `exit status ${code}`;
}

test('a process to which the kernel refuses memory ends with SIGTRAP, and the line says why', async (t) => {
  // Too little for V8 to reserve its code range.
  const how = await endUnder('ulimit -d 300000');
  t.is(how, 'SIGTRAP');
  t.regex(withCause(how), /^SIGTRAP: the kernel refused it memory/);
});

test('a full JavaScript heap ends with SIGABRT', async (t) => {
  const how = await endUnder(':', '--max-old-space-size=20');
  t.is(how, 'SIGABRT');
  t.regex(withCause(how), /^SIGABRT: its JavaScript heap was full/);
});

test('an exit status and an unknown signal have no cause', (t) => {
  t.is(withCause('exit status 1'), 'exit status 1');
  t.is(withCause('SIGUSR2'), 'SIGUSR2');
});
