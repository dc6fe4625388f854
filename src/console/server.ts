/**
 * The console's web server: the JSON API, the page, the metrics. It has no privilege; what it wants it asks of the daemon
 * over the control socket, and the daemon judges it.
 */
import cookie from '@fastify/cookie';
import rateLimit from '@fastify/rate-limit';
import files from '@fastify/static';
import swagger from '@fastify/swagger';
import fastify, {type FastifyInstance, type FastifyRequest} from 'fastify';
import type {Clock} from '@hactl/base';
import {adminRoutes} from './admin-routes.ts';
import {redactLine} from '@hactl/config';
import type {Audit} from './audit.ts';
import {authRoutes} from './auth-routes.ts';
import type {Certificate} from './certificate.ts';
import {configRoutes} from './config-routes.ts';
import {ControlError, type Daemon} from './daemon.ts';
import type {HistoryStore} from './history-file.ts';
import {liveRoutes} from './live-routes.ts';
import {openLive, type LiveSource} from './live.ts';
import {makeMetrics} from './metrics.ts';
import {operatorRoutes} from './operator-routes.ts';
import {ApiError, declare} from './route.ts';
import type {UserStore} from './users.ts';

export interface ConsoleOptions {
  readonly clock: Clock;
  readonly daemon: Daemon;
  readonly users: UserStore;
  readonly audit: Audit;
  readonly version: string;
  /** The built page; undefined: the API alone. */
  readonly page?: string;
  /** Without one the console listens in the clear: on a Unix socket behind a proxy. */
  readonly certificate?: Certificate;
  /** Who sends this as a bearer token may scrape the metrics without a session. */
  /** Keeps the plots over a restart. */
  readonly history?: HistoryStore;
  readonly metricsToken?: string;
}

export interface Console {
  readonly app: FastifyInstance;
  readonly live: LiveSource;
  readonly close: () => Promise<void>;
}

/** Requests of one address in a minute; a page that follows needs a few. */
const REQUESTS_MOST = 600;

const headers: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

const hidden = /^(?:password|token|text)$/;

/** Without what the files hold of secrets: a setting and its value are judged together, as their line would be. */
function withoutSecrets(key: string, value: unknown): unknown {
  if (hidden.test(key)) return '…';
  if (typeof value === 'string') return redactLine(`${key}=${value}`).slice(key.length + 1);
  if (typeof value !== 'object' || value === null) return value;
  const {name, value: set} = value as {readonly name?: unknown; readonly value?: unknown};
  if (typeof name !== 'string' || typeof set !== 'string') return value;
  return {...value, value: redactLine(`${name}=${set}`).slice(name.length + 1)};
}

/** What a request asked for, without anything that is secret. */
const detailOf = ({body, params}: FastifyRequest): string =>
  JSON.stringify({...(params as object), ...(body as object)}, withoutSecrets).slice(0, 1_000);

/** Builds the server; it listens when its caller says where. */
export async function makeConsole(options: ConsoleOptions): Promise<Console> {
  const {clock, daemon, users, audit, certificate, page, metricsToken, history} = options;
  const common = {
    // What is in no form is refused, not dropped without a word.
    ajv: {customOptions: {removeAdditional: false as const}},
    bodyLimit: 16 * 1_024,
    requestTimeout: 10_000,
    connectionTimeout: 20_000,
    trustProxy: false,
  };
  const app = (certificate
    ? fastify({...common, https: {...certificate, minVersion: 'TLSv1.3' as const}})
    : fastify(common)) as unknown as FastifyInstance;

  await app.register(cookie);
  await app.register(rateLimit, {max: REQUESTS_MOST, timeWindow: 60_000});
  await app.register(swagger, {
    openapi: {info: {title: 'hactl console', version: options.version}},
  });
  app.addHook('onSend', async (request, reply, payload) => {
    void reply.headers(headers);
    if (request.url.startsWith('/api/')) void reply.header('cache-control', 'no-store');
    return payload;
  });
  // What changes something, and every login, is written down before the answer goes out.
  app.addHook('onResponse', async (request, reply) => {
    if (request.method === 'GET') return;
    audit.write({
      wall: clock.wall(),
      user: request.session?.user ?? '',
      address: request.ip,
      action: `${request.method} ${request.routeOptions.url ?? request.url.slice(0, 200)}`,
      detail: detailOf(request),
      status: reply.statusCode,
    });
  });
  app.setErrorHandler((error: Error & {statusCode?: number; code?: string}, _request, reply) => {
    // The daemon refused: its words are for the person at the screen.
    if (error instanceof ControlError)
      return reply
        .code(error.code === 'no-daemon' ? 503 : 409)
        .send({code: error.code, message: error.message});
    const status = error.statusCode ?? 500;
    const message = status >= 500 && !(error instanceof ApiError) ? 'internal error' : error.message;
    return reply.code(status).send({code: error.code ?? 'error', message});
  });
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({code: 'not-found', message: 'not found'}),
  );

  const metrics = makeMetrics();
  const live = openLive(
    daemon,
    () => clock.wall(),
    (now) => metrics.set(now.ok ? now.status : undefined),
    history,
  );
  await app.register(async (api) => {
    const {forget} = authRoutes(api, users, clock);
    liveRoutes(api, live, daemon);
    operatorRoutes(api, daemon);
    configRoutes(api, daemon, live, clock);
    adminRoutes(api, users, audit, forget);
    declare(api, {
      method: 'GET',
      url: '/api/openapi.json',
      role: 'viewer',
      summary: 'This description.',
      work: () => app.swagger(),
    });
    api.get('/metrics', {schema: {hide: true}}, async (request, reply) => {
      const bearer = request.headers.authorization === `Bearer ${metricsToken ?? ''}`;
      if (!request.session && !(metricsToken && bearer))
        throw new ApiError(401, 'no-session', 'send the token of `hactl console token`');
      void reply.type(metrics.registry.contentType);
      return metrics.registry.metrics();
    });
    if (page !== undefined) await api.register(files, {root: page, index: ['index.html'], dotfiles: 'deny'});
  });
  await app.ready();
  return {
    app,
    live,
    close: async () => {
      live.stop();
      await app.close();
    },
  };
}
