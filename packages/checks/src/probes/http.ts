/**
 * service=http, https and http_proxy: one request on a plain socket. ldirectord's rule: after redirects the status is
 * 2xx, and the body matches `receive` where there is one (a HEAD has no body that could). Any certificate is accepted, as
 * ldirectord does. A proxy is asked for the whole URL in `request`, and for what it redirects to.
 */
import tls from 'node:tls';
import type {Clock, Millis} from '@hactl/base';
import {TcpConnection} from '@hactl/net';
import type {CheckSpec} from '../messages.ts';
import {receiveMatches, receivePattern} from '@hactl/regex';
import type {ProbeResult} from '../verdict.ts';
import {addressOf, explainError, serverName} from './connect.ts';

/** A page larger than this is not read to its end: what `receive` looks for must stand before. */
const BODY_MAX = 1 << 20;
/** A head larger than this is no answer to a check (nginx and LWP refuse smaller ones). */
const HEAD_MAX = 1 << 16;
const REDIRECTS_MAX = 7;

/** What an answer says so far; `done` when no more octets are needed. */
interface Answer {
  readonly status: number;
  readonly location?: string;
  readonly body: string;
  readonly done: boolean;
}

/** Reads status line, headers and body as far as they are there; undefined while the head is incomplete. */
export function readAnswer(
  text: string,
  ended: boolean,
  head: boolean,
): Answer | 'not-http' | 'endless-head' | undefined {
  if (text.length >= 5 && !text.startsWith('HTTP/')) return 'not-http';
  const end = text.indexOf('\r\n\r\n');
  if (end > HEAD_MAX || (end === -1 && text.length > HEAD_MAX)) return 'endless-head';
  if (end === -1) return ended ? 'not-http' : undefined;
  const status = Number(/^HTTP\/\d(?:\.\d)? (\d{3})/.exec(text)?.[1] ?? NaN);
  if (Number.isNaN(status)) return 'not-http';
  // 100 Continue, 103 Early Hints: the answer is still to come.
  if (status < 200) return readAnswer(text.slice(end + 4), ended, head);
  const headers = text.slice(0, end);
  const raw = text.slice(end + 4);
  const location = /^location:[ \t]*(\S+)/im.exec(headers)?.[1];
  const length = /^content-length:[ \t]*(\d+)/im.exec(headers)?.[1];
  const chunked = /^transfer-encoding:.*chunked/im.test(headers);
  const whole = chunked
    ? unchunk(raw)
    : {body: raw, complete: length !== undefined && raw.length >= Number(length)};
  return {
    status,
    ...(location === undefined ? {} : {location}),
    body: whole.body,
    done: head || whole.complete || ended || raw.length >= BODY_MAX,
  };
}

/** The body out of its chunks; complete when the last one, of no length, is there (or what stands there is none). */
function unchunk(raw: string): {readonly body: string; readonly complete: boolean} {
  let [body, at] = ['', 0];
  for (;;) {
    const line = raw.indexOf('\r\n', at);
    if (line === -1) return {body, complete: false};
    const size = Number.parseInt(raw.slice(at, line), 16);
    if (!size) return {body, complete: true};
    body += raw.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
}

/** What the request line names: the path on the server itself, a whole URL at a proxy. */
const requestTarget = (url: URL, proxy: boolean): string =>
  `${proxy ? url.origin : ''}${url.pathname}${url.search}`;

/** What is asked for first. A path is taken as it is written; at a proxy it means the real server's own. */
function firstTarget(spec: CheckSpec): string {
  const request = spec.request ?? '/';
  const proxy = spec.service === 'http_proxy';
  const url = URL.parse(request);
  if (url) return requestTarget(url, proxy);
  return `${proxy ? `http://${bracketed(spec)}:${spec.port}` : ''}${request.startsWith('/') ? '' : '/'}${request}`;
}

const bracketed = (spec: CheckSpec): string => (spec.family === 6 ? `[${spec.address}]` : spec.address);

/** A connection that a request goes over. */
interface Line {
  readonly say: (text: string) => void;
  /** Nothing is told any more. A connection in the clear can be reset, which spares both sides the farewell. */
  readonly close: (reset: boolean) => void;
}

interface LineListener {
  readonly connected: () => void;
  readonly secured: () => void;
  readonly received: (text: string) => void;
  readonly ended: () => void;
  readonly failed: (error: NodeJS.ErrnoException) => void;
}

function openPlain(spec: CheckSpec, listener: LineListener): Line {
  const connection = new TcpConnection(
    addressOf(spec),
    {speaksFirst: true},
    {
      connected: listener.connected,
      received: (octets) => listener.received(octets.toString('latin1')),
      ended: listener.ended,
      failed: listener.failed,
    },
  );
  return {
    say: (text) => connection.send(Buffer.from(text)),
    close: (reset) => connection.close(reset),
  };
}

function openSecure({address, port}: CheckSpec, host: string, listener: LineListener): Line {
  const socket = tls.connect({host: address, port, rejectUnauthorized: false, ...serverName(host)});
  let closed = false;
  socket.setEncoding('latin1');
  const tell = (event: string, listen: (words: string & Error) => void): void => {
    socket.on(event, (words: string & Error) => {
      if (!closed) listen(words);
    });
  };
  tell('connect', listener.connected);
  tell('secureConnect', listener.secured);
  tell('data', listener.received);
  tell('end', listener.ended);
  tell('close', listener.ended);
  tell('error', listener.failed);
  return {
    say: (text) => void socket.write(text),
    close: () => {
      closed = true;
      socket.destroy();
    },
  };
}

/** One request and its answer, redirects followed on the same server, all within `limit`. */
export function probeHttp(spec: CheckSpec, limit: Millis, clock: Clock): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const started = clock.now();
    const target = `${spec.address} port ${spec.port}`;
    const secure = spec.service === 'https';
    const method = spec.httpMethod ?? 'GET';
    const proxy = spec.service === 'http_proxy';
    const host = spec.virtualHost ?? bracketed(spec);
    const pattern = spec.receive === undefined ? undefined : receivePattern(spec.receive);
    let line: Line | undefined;
    let phase = 'connecting';
    let story = '';
    let redirects = 0;
    let finished = false;
    const done = (passed: boolean, reason: string): void => {
      if (finished) return;
      finished = true;
      clearTimeout(timer);
      // Nothing is awaited any more: a reset spares both sides the rest of the farewell, and the server a socket in
      // TIME_WAIT for every check. keepalived's checks do the same.
      line?.close(passed);
      resolve({passed, reason, took: clock.now() - started});
    };
    const timer = setTimeout(() => done(false, `${story}no answer within ${limit} ms (${phase})`), limit);

    const judgeAnswer = ({status, location, body}: Answer, asked: string): void => {
      if (status >= 300 && status < 400 && location !== undefined && redirects < REDIRECTS_MAX) {
        redirects += 1;
        line?.close(false);
        const next = URL.parse(location, proxy ? asked : `http://${host}${asked}`);
        return ask(next ? requestTarget(next, proxy) : '/');
      }
      if (status < 200 || status > 299)
        return done(
          false,
          `${story}HTTP ${status}${spec.receive === undefined ? '' : `, expected body /${spec.receive}/`}`,
        );
      if (spec.receive === undefined) return done(true, `${story}HTTP ${status}`);
      if (receiveMatches(pattern, body))
        return done(true, `${story}HTTP ${status}, body matches /${spec.receive}/`);
      if (method === 'HEAD')
        return done(
          false,
          `${story}HTTP ${status}, but a HEAD has no body to match /${spec.receive}/: use httpmethod=GET or no receive`,
        );
      done(
        false,
        `${story}HTTP ${status}, body does not match /${spec.receive}/: ${JSON.stringify(body.slice(0, 60))}`,
      );
    };

    function ask(asked: string): void {
      phase = 'connecting';
      const at = clock.now();
      let text = '';
      const look = (ended: boolean): void => {
        try {
          read(ended);
        } catch (error) {
          done(false, `${story}/${spec.receive}/: ${error instanceof Error ? error.message : String(error)}`);
        }
      };
      const read = (ended: boolean): void => {
        if (ended && text === '')
          return done(false, `${story}${target} closed the connection without an answer`);
        const answer = readAnswer(text, ended, method === 'HEAD');
        if (answer === 'not-http')
          done(false, `${story}the answer is not HTTP: ${JSON.stringify(text.slice(0, 40))}`);
        else if (answer === 'endless-head')
          done(false, `${story}no end of the answer's head within ${HEAD_MAX} octets`);
        else if (
          answer?.done ||
          (answer &&
            pattern &&
            answer.status >= 200 &&
            answer.status <= 299 &&
            receiveMatches(pattern, answer.body))
        )
          judgeAnswer(answer, asked);
      };
      const say = (): void => {
        phase = 'waiting for the answer';
        const name = proxy ? (URL.parse(asked)?.host ?? host) : host;
        mine.say(
          `${method} ${asked} HTTP/1.1\r\nHost: ${name}\r\nUser-Agent: hactl\r\nAccept: */*\r\nConnection: close\r\n\r\n`,
        );
      };
      const listener: LineListener = {
        connected: () => {
          story = `connected in ${Math.round(clock.now() - at)} ms, `;
          if (secure) phase = 'TLS handshake';
          else say();
        },
        secured: () => {
          story += 'TLS ok, ';
          say();
        },
        received: (more) => {
          text += more;
          look(false);
        },
        ended: () => look(true),
        failed: (error) => done(false, `${story}${explainError(error, target)}`),
      };
      const mine = secure ? openSecure(spec, host, listener) : openPlain(spec, listener);
      line = mine;
    }
    ask(firstTarget(spec));
  });
}
