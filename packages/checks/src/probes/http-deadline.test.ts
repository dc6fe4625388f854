/** At the limit the data received is judged once more, and no input ends this process. */
import net from 'node:net';
import {systemClock} from '@hactl/base';
import test from 'ava';
import {probeHttp} from './http.ts';
import {checkOf, serve} from './testing.ts';

const LIMIT = 1_500;
const EVERY = 30;
/** Pieces that are searched as they arrive (growing-match.ts); later ones wait until the answer has doubled. */
const PIECES = 8;

/** Sends harmless pieces one by one, then the last one, and keeps the connection open. */
const answer =
  (last: string) =>
  (socket: net.Socket): void => {
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n');
      let sent = 0;
      const timer = setInterval(() => {
        sent += 1;
        socket.write(sent > PIECES ? last : 'x'.repeat(1_000));
        if (sent > PIECES) clearInterval(timer);
      }, EVERY);
      socket.on('close', () => clearInterval(timer));
    });
  };

for (const [title, receive, last, passed, reason] of [
  [
    'an expression that takes too long fails the check',
    '(a+)+$',
    `${'a'.repeat(60)}!`,
    false,
    /\(a\+\)\+\$.*(takes more|given up)/,
  ],
  ['what matches passes it', 'Works', 'It Works!', true, /matches/],
  ['what does not match fails it', 'Works', 'It fails', false, /no answer within|does not match/],
] as const)
  // prettier-ignore
  test(`at the limit the body is searched once more: ${title}`, async (t) => {
    const port = await serve(t, answer(last));
    const result = await probeHttp(checkOf('http', port, {receive}), LIMIT, systemClock);
    t.is(result.passed, passed, result.reason);
    t.regex(result.reason, reason);
  });
