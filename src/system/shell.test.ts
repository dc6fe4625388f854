import {spawn} from 'node:child_process';
import test from 'ava';
import {runLimited} from '@hactl/base/run';

/** This process has something else to do. */
const block = (ms: number): void => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

/*
 * libuv looks after all its children when one of them ended. One that ends just then is reported to have ended before its
 * pipe was read; if a timer is due when that is done, the timer comes first.
 */
test('the last words of a program are heard, also when this process was busy at its end', async (t) => {
  // It leaves a program behind that holds its output open: there is no end of the output to wait for.
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
  // Its word and its end are to come in one turn.
  setTimeout(() => block(300), 20);
  await ended;
  t.deepEqual(await run, {status: 0, output: 'one is running', timedOut: false});
});
