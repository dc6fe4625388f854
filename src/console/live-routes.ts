/** Read-only routes: the status, its live stream, the plots, the journal. */
import type {FastifyInstance, FastifyRequest} from 'fastify';
import {eventKinds, type EventKind} from '../control/events.ts';
import type {Daemon} from './daemon.ts';
import {plot, seriesOf, spans, type SpanName} from './history.ts';
import type {LiveSource} from './live.ts';
import {ApiError, declare, object} from './route.ts';

/** Maximum concurrent streams; each costs a connection and one status per second. */
const FOLLOWERS_MOST = 50;
/** A stream is closed when its client leaves this many octets unread. */
const BACKLOG_MOST = 4 << 20;

export function liveRoutes(
  app: FastifyInstance,
  live: LiveSource,
  daemon: Daemon,
  isOn: (request: FastifyRequest) => boolean,
): void {
  let followers = 0;

  declare(app, {
    method: 'GET',
    url: '/api/status',
    role: 'viewer',
    summary: 'The output of `hactl status --json`, at most a second old.',
    work: () => live.now(),
  });

  declare(app, {
    method: 'GET',
    url: '/api/stream',
    role: 'viewer',
    summary: 'The status each second, as server-sent events.',
    work: (request, reply) => {
      if (followers >= FOLLOWERS_MOST) throw new ApiError(503, 'full', 'too many open status streams');
      followers += 1;
      const {raw} = reply;
      reply.hijack();
      raw.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      });
      const send = (data: unknown): void => {
        if (raw.writableLength > BACKLOG_MOST) raw.destroy();
        // Logout, removal or expiry: a stream ends with its session.
        else if (!isOn(request)) raw.end();
        else raw.write(`data: ${JSON.stringify(data)}\n\n`);
      };
      send(live.now());
      const stop = live.follow(send);
      raw.on('close', () => {
        followers -= 1;
        stop();
      });
    },
  });

  declare(app, {
    method: 'GET',
    url: '/api/plot',
    role: 'viewer',
    summary: 'Connections per second of services, active connections of real servers, in uPlot’s format.',
    query: object(
      {
        span: {type: 'string', enum: Object.keys(spans)},
        series: {type: 'array', maxItems: 50, items: {type: 'string', maxLength: 200}},
      },
      ['span'],
    ),
    work: ({query}) => {
      const {span, series} = query as {span: SpanName; series?: string[]};
      const history = live.history();
      return {known: seriesOf(history), ...plot(history, span, series ?? [])};
    },
  });

  declare(app, {
    method: 'GET',
    url: '/api/events',
    role: 'viewer',
    summary: 'The journal, newest last.',
    query: object(
      {
        limit: {type: 'integer', minimum: 1, maximum: 500},
        after: {type: 'integer', minimum: 0},
        kinds: {type: 'array', maxItems: 20, items: {type: 'string', enum: Object.keys(eventKinds)}},
        match: {type: 'string', maxLength: 200},
      },
      [],
    ),
    work: ({query}) => {
      const {limit = 100, ...rest} = query as {
        limit?: number;
        after?: number;
        kinds?: EventKind[];
        match?: string;
      };
      return daemon.events({limit, ...rest});
    },
  });
}
