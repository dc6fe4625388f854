/**
 * service=http, https and http_proxy: one request on a plain socket. ldirectord's rule: after redirects the status is
 * 2xx, and the body matches `receive`, if configured (the answer to a HEAD has no body). If statuses are listed, one of
 * them must come, and redirects are not followed: keepalived's rule. Any certificate is accepted, as in
 * ldirectord. A proxy is asked for the whole URL in `request` and for the targets of redirects.
 */
import type {Clock, Millis} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import {receivePattern} from '@hactl/regex';
import {spendingOf} from '../spending.ts';
import type {ProbeResult} from '../verdict.ts';
import {explainError, shortageOf} from './connect.ts';
import {startDeadline} from './deadline.ts';
import {GrowingMatch} from './growing-match.ts';
import {HttpAnswer} from './http-answer.ts';
import {openPlain, openSecure, type Line, type LineListener} from './http-line.ts';
import {judgeAnswer} from './http-verdict.ts';
import {Meter} from './meter.ts';

/** Maximum octets of one answer, heads and framing included. */
const OCTETS_MAX = 4 << 20;

/** The target of the request line: the path for a server, the whole URL for a proxy. */
const requestTarget = (url: URL, proxy: boolean): string =>
  `${proxy ? url.origin : ''}${url.pathname}${url.search}`;

/** The first target. A path is used as written; for a proxy it means a page of the real server itself. */
function firstTarget(spec: CheckSpec): string {
  const request = spec.request ?? '/';
  const proxy = spec.service === 'http_proxy';
  const url = URL.parse(request);
  if (url) return requestTarget(url, proxy);
  return `${proxy ? `http://${bracketed(spec)}:${spec.port}` : ''}${request.startsWith('/') ? '' : '/'}${request}`;
}

const bracketed = (spec: CheckSpec): string => (spec.family === 6 ? `[${spec.address}]` : spec.address);

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
    let progress = '';
    let redirects = 0;
    let finished = false;
    /** Judges an answer that will not continue. */
    let lastLook = (): void => undefined;
    const done = (passed: boolean, reason: string, more: Partial<ProbeResult> = {}): void => {
      if (finished) return;
      finished = true;
      meter.finish();
      deadline.clear();
      // No more data is expected: a reset spares both sides the TCP close, and the server a socket in
      // TIME_WAIT for every check. keepalived's checks do the same.
      line?.close(passed);
      resolve({passed, reason, took: clock.now() - started, ...more});
    };
    const meter = new Meter((reason) => done(false, `${progress}${reason}`), spendingOf(spec));
    const deadline = startDeadline(clock, limit, () => {
      meter.enter();
      lastLook();
      done(false, `${progress}no answer within ${limit} ms (${phase})`);
    });

    const follow = (location: string, asked: string): void => {
      redirects += 1;
      line?.close(false);
      const next = URL.parse(location, proxy ? asked : `http://${host}${asked}`);
      ask(next ? requestTarget(next, proxy) : '/');
    };

    const judge = (answer: HttpAnswer, asked: string, match: GrowingMatch, last: boolean): void => {
      const matches = (body: string, ended: boolean): boolean => match.found(body, ended);
      const verdict = judgeAnswer(spec, {answer, last, redirects, matches});
      if (verdict.type === 'redirect') follow(verdict.location, asked);
      else if (verdict.type === 'verdict') done(verdict.passed, `${progress}${verdict.reason}`);
    };

    function ask(asked: string): void {
      phase = 'connecting';
      const askedAt = clock.now();
      const answer = new HttpAnswer(method === 'HEAD');
      const match = new GrowingMatch(pattern);
      let octets = 0;
      const look = (last: boolean, decides: () => boolean = () => true): void => {
        if (finished || line !== mine) return;
        try {
          if (decides()) judge(answer, asked, match, last);
        } catch (error) {
          done(
            false,
            `${progress}/${spec.receive}/: ${error instanceof Error ? error.message : String(error)}`,
          );
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
          progress = `connected in ${Math.round(clock.now() - askedAt)} ms, `;
          if (secure) phase = 'TLS handshake';
          else say();
        },
        secured: () => {
          meter.enter();
          progress += 'TLS ok, ';
          say();
        },
        received: (more) => {
          meter.enter(more.length);
          if (finished) return;
          octets += more.length;
          answer.feed(more);
          look(false);
          if (octets > OCTETS_MAX) done(false, `${progress}the answer has more than ${OCTETS_MAX} octets`);
        },
        ended: () => {
          meter.enter();
          look(true);
        },
        failed: (error) => done(false, `${progress}${explainError(error, target)}`, shortageOf(error)),
      };
      const mine = secure ? openSecure(spec, host, listener) : openPlain(spec, listener);
      line = mine;
      // A server that keeps the connection open without a length may already have sent the matching text.
      lastLook = () =>
        look(true, () => spec.receive !== undefined && answer.headComplete && match.found(answer.body, true));
    }
    ask(firstTarget(spec));
  });
}
