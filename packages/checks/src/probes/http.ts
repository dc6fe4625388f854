/**
 * service=http, https and http_proxy: one request on a plain socket. ldirectord's rule: after redirects the status is
 * 2xx, and the body matches `receive` where there is one (a HEAD has no body that could). Where statuses are listed, one of
 * them must come, and no redirect is followed: keepalived's rule. Any certificate is accepted, as
 * ldirectord does. A proxy is asked for the whole URL in `request`, and for what it redirects to.
 */
import tls from 'node:tls';
import type {Clock, Millis} from '@hactl/base';
import {TcpConnection} from '@hactl/net';
import type {CheckSpec} from '../messages.ts';
import {receivePattern} from '@hactl/regex';
import type {ProbeResult} from '../verdict.ts';
import {addressOf, explainError, shortageOf} from './connect.ts';
import {startDeadline} from './deadline.ts';
import {GrowingMatch} from './growing-match.ts';
import {HttpAnswer} from './http-answer.ts';
import {Meter} from './meter.ts';
import {keepSession, secureOptions} from './tls-client.ts';

const REDIRECTS_MAX = 7;
/** Octets of one answer, with all that is around its body. */
const OCTETS_MAX = 4 << 20;

const ORDINARY = [[200, 299]] as const;

const rangesText = (ranges: NonNullable<CheckSpec['statuses']>): string =>
  ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(' ');

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

function openSecure(spec: CheckSpec, host: string, listener: LineListener): Line {
  const socket = tls.connect({host: spec.address, port: spec.port, ...secureOptions(spec, host)});
  keepSession(spec, socket);
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
    /** Judges what there is when nothing more will come. */
    let lastLook = (): void => undefined;
    const done = (passed: boolean, reason: string, more: Partial<ProbeResult> = {}): void => {
      if (finished) return;
      finished = true;
      deadline.clear();
      // Nothing is awaited any more: a reset spares both sides the rest of the farewell, and the server a socket in
      // TIME_WAIT for every check. keepalived's checks do the same.
      line?.close(passed);
      resolve({passed, reason, took: clock.now() - started, ...more});
    };
    const meter = new Meter((reason) => done(false, `${story}${reason}`));
    const deadline = startDeadline(clock, limit, () => {
      lastLook();
      done(false, `${story}no answer within ${limit} ms (${phase})`);
    });

    const follow = (location: string, asked: string): void => {
      redirects += 1;
      line?.close(false);
      const next = URL.parse(location, proxy ? asked : `http://${host}${asked}`);
      ask(next ? requestTarget(next, proxy) : '/');
    };

    /** The verdict on an answer that is complete, or that will not be. */
    const judgeAnswer = (status: number, answer: HttpAnswer, found: boolean): void => {
      const about = `${story}HTTP ${status}`;
      if (spec.receive !== undefined) {
        if (found) return done(true, `${about}, body matches /${spec.receive}/`);
        if (method === 'HEAD')
          return done(
            false,
            `${about}, but a HEAD has no body to match /${spec.receive}/: use httpmethod=GET or no receive`,
          );
        const shown = JSON.stringify(answer.body.slice(0, 60));
        return done(false, `${about}, body does not match /${spec.receive}/: ${shown}`);
      }
      if (answer.truncated)
        return done(false, `${about}, closed in the middle of the body, after ${answer.body.length} octets`);
      done(true, about);
    };

    /** The verdict on an answer so far; undefined while more must come. */
    const judge = (answer: HttpAnswer, asked: string, match: GrowingMatch, last: boolean): void => {
      if (answer.problem !== undefined) return done(false, `${story}${answer.problem}`);
      const {status, location} = answer;
      if (status === undefined) {
        if (!last) return;
        return done(
          false,
          answer.beginning === ''
            ? `${story}${target} closed the connection without an answer`
            : `${story}${target} closed the connection within the head of the answer: ${JSON.stringify(answer.beginning)}`,
        );
      }
      const {statuses} = spec;
      if (!statuses && status >= 300 && status < 400 && location !== undefined && redirects < REDIRECTS_MAX)
        return follow(location, asked);
      // Anything else does not count.
      const passes = statuses ?? ORDINARY;
      if (!passes.some(([first, end]) => status >= first && status <= end))
        return done(
          false,
          `${story}HTTP ${status}${statuses ? `, expected ${rangesText(statuses)}` : ''}${spec.receive === undefined ? '' : `, expected body /${spec.receive}/`}`,
        );
      const ended = last || answer.complete;
      const found = spec.receive !== undefined && match.found(answer.body, ended);
      if (found || ended) judgeAnswer(status, answer, found);
    };

    function ask(asked: string): void {
      phase = 'connecting';
      const at = clock.now();
      const answer = new HttpAnswer(method === 'HEAD');
      const match = new GrowingMatch(pattern);
      let octets = 0;
      const look = (last: boolean): void => {
        if (finished || line !== mine) return;
        try {
          judge(answer, asked, match, last);
        } catch (error) {
          done(false, `${story}/${spec.receive}/: ${error instanceof Error ? error.message : String(error)}`);
        }
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
          meter.enter();
          story = `connected in ${Math.round(clock.now() - at)} ms, `;
          if (secure) phase = 'TLS handshake';
          else say();
        },
        secured: () => {
          meter.enter();
          story += 'TLS ok, ';
          say();
        },
        received: (more) => {
          meter.enter();
          if (finished) return;
          octets += more.length;
          answer.feed(more);
          look(false);
          if (octets > OCTETS_MAX) done(false, `${story}the answer has more than ${OCTETS_MAX} octets`);
        },
        ended: () => look(true),
        failed: (error) => done(false, `${story}${explainError(error, target)}`, shortageOf(error)),
      };
      const mine = secure ? openSecure(spec, host, listener) : openPlain(spec, listener);
      line = mine;
      // One that holds its connection open without saying how long its body is may have said what matters.
      lastLook = () => {
        if (spec.receive !== undefined && answer.headComplete && match.found(answer.body, true)) look(true);
      };
    }
    ask(firstTarget(spec));
  });
}
