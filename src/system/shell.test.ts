import {spawn} from 'node:child_process';
import test from 'ava';
import {runLimited} from '@hactl/base/run';

/** Blocks the event loop. */
const block = (ms: number): void => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

/*
 * libuv reaps all children when one of them has exited. One that exits just then is reported before its pipe is read, and a timer
 * that is due by then fires first.
 */
test('the last words of a program are heard, also when this process was busy at its end', async (t) => {
  // It leaves a program behind that keeps its output open, so the output never ends.
  const run = runLimited('/bin/sh', ['-c', 'sleep 0.5; echo one is running; sleep 3 & exit 0'], {
    limit: 20_000,
  });
  const child = spawn('/bin/sh', ['-c', 'sleep 0.1; echo go'], {stdio: ['ignore', 'pipe', 'ignore']});
  const ended = new Promise<void>((resolve) => {
    child.on('exit', () => {
      block(200);
      resolve();
    });
  });
  child.stdout.on('data', () => block(800));
  // Its output and its exit must arrive in one turn.
  setTimeout(() => block(300), 20);
  await ended;
  t.deepEqual(await run, {status: 0, output: 'one is running', timedOut: false});
});
