/**
 * The console's web server: JSON API, page, metrics. It is unprivileged: every action is a request to the daemon over the
 * control socket, and the daemon authorises it.
 */
import {createHash, timingSafeEqual} from 'node:crypto';
import cookie from '@fastify/cookie';
import rateLimit from '@fastify/rate-limit';
import files from '@fastify/static';
import swagger from '@fastify/swagger';
import fastify, {type FastifyInstance, type FastifyRequest} from 'fastify';
import type {Clock} from '@hactl/base';
import {BROWSER_REQUEST_LIMIT_MS, BROWSER_SILENCE_LIMIT_MS} from '../system/limits.ts';
import {adminRoutes} from './admin-routes.ts';
import {redactLine} from '@hactl/config';
import type {Audit} from './audit.ts';
import {authRoutes} from './auth-routes.ts';
import type {Certificate} from './certificate.ts';
import {limitConnections, networkOf} from './connections.ts';
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
  /** The built page; undefined: API only. */
  readonly page?: string;
  /** Undefined: no TLS, on a Unix socket behind a proxy. */
  readonly certificate?: Certificate;
  /** Stores the plots across restarts. */
  readonly history?: HistoryStore;
  /** Bearer token that gives access to the metrics without a session. */
  readonly metricsToken?: string;
  /** Shorter limits for tests. */
  readonly limits?: Limits;
}

interface Limits {
  /** Time to receive a whole request, milliseconds. */
  readonly request?: number;
  /** Concurrent connections per network. */
  readonly connections?: number;
  /** A connection without an octet in either direction and without a request under way, milliseconds. */
  readonly silence?: number;
}

export interface Console {
  readonly app: FastifyInstance;
  readonly live: LiveSource;
  readonly close: () => Promise<void>;
}

/** Requests per address and minute; the live page needs only a few. */
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

/** Masks secrets as in the files: setting and value are examined together, as on their line. */
function withoutSecrets(key: string, value: unknown): unknown {
  if (hidden.test(key)) return '…';
  // The new line of a real server is parsed as such.
  if (key === 'to' && typeof value === 'string') return withoutSecrets('real', value);
  if (typeof value === 'string') return redactLine(`${key}=${value}`).slice(key.length + 1);
  if (typeof value !== 'object' || value === null) return value;
  const {name, value: set} = value as {readonly name?: unknown; readonly value?: unknown};
  if (typeof name !== 'string' || typeof set !== 'string') return value;
  return {...value, value: redactLine(`${name}=${set}`).slice(name.length + 1)};
}

/** The request's parameters, without secrets. */
const detailOf = ({body, params}: FastifyRequest): string =>
  JSON.stringify({...(params as object), ...(body as object)}, withoutSecrets).slice(0, 1_000);

const LOGINS: readonly unknown[] = ['/api/login', '/api/first-user'];

/**
 * Audited are changes by logged-in users, granted or refused, and verified login attempts. Other unauthenticated requests
 * would only rotate useful entries away.
 */
const isAudited = (request: FastifyRequest, status: number): boolean =>
  !['GET', 'HEAD'].includes(request.method) &&
  typeof request.body !== 'string' &&
  (request.session !== undefined ||
    (LOGINS.includes(request.routeOptions.url) &&
      request.body !== undefined &&
      [200, 401, 403].includes(status)));

/** Files referenced with their digest may be cached; the page itself is revalidated each time. */
const cachingOf = (file: string): string =>
  /\/app[\w-]*\.\w+(?:\.br|\.gz)?$/.test(file) ? 'public, max-age=31536000, immutable' : 'no-cache';

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();
/** Constant-time comparison. */
const isToken = (sent: string | undefined, token: string | undefined): boolean =>
  token !== undefined && token !== '' && timingSafeEqual(digestOf(sent ?? ''), digestOf(`Bearer ${token}`));

/** Builds the server; the caller makes it listen. */
export async function makeConsole(options: ConsoleOptions): Promise<Console> {
  const {clock, daemon, users, audit, certificate, page, metricsToken, history, limits = {}} = options;
  const requestTimeout = limits.request ?? BROWSER_REQUEST_LIMIT_MS;
  const common = {
    // Unknown properties are refused rather than dropped silently.
    ajv: {customOptions: {removeAdditional: false as const}},
    bodyLimit: 16 * 1_024,
    requestTimeout,
    connectionTimeout: limits.silence ?? BROWSER_SILENCE_LIMIT_MS,
    // Without TLS there is a proxy in front; trust only that.
    trustProxy: certificate ? false : (_address: string, hop: number) => hop === 0,
  };
  // Interval of checking the timeouts; Node's default is 30 s.
  const every = {
    connectionsCheckingInterval: Math.min(2_000, requestTimeout),
    headersTimeout: requestTimeout,
  };
  const app = (certificate
    ? fastify({
        ...common,
        https: {...every, ...certificate, minVersion: 'TLSv1.3' as const, handshakeTimeout: requestTimeout},
      })
    : fastify({...common, http: every})) as unknown as FastifyInstance;
  limitConnections(app.server, limits.connections === undefined ? {} : {each: limits.connections});
  // A cross-site form can send it without a preflight.
  app.removeContentTypeParser('text/plain');

  function note(request: FastifyRequest, status: number): void {
    try {
      audit.write({
        wall: clock.wall(),
        user: request.session?.user ?? '',
        address: request.ip ?? '',
        action: `${request.method} ${request.routeOptions.url ?? request.url.slice(0, 200)}`,
        detail: detailOf(request),
        status,
      });
    } catch (error) {
      // The change is made: the answer must not report an error.
      process.stderr.write(`console: cannot write the audit log: ${String(error)}\n`);
    }
  }

  await app.register(cookie);
  await app.register(rateLimit, {
    max: REQUESTS_MOST,
    timeWindow: 60_000,
    keyGenerator: ({ip}) => networkOf(ip ?? ''),
  });
  await app.register(swagger, {
    openapi: {info: {title: 'hactl console', version: options.version}},
  });
  app.addHook('onSend', async (request, reply, payload) => {
    void reply.headers(headers);
    if (request.url.startsWith('/api/')) void reply.header('cache-control', 'no-store');
    // Changes and logins are audited before the answer is sent.
    if (isAudited(request, reply.statusCode)) note(request, reply.statusCode);
    return payload;
  });
  app.setErrorHandler((error: Error & {statusCode?: number; code?: string}, _request, reply) => {
    // The daemon refused: show its message to the user.
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
    const {forget, isOn} = authRoutes(api, users, clock);
    liveRoutes(api, live, daemon, isOn);
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
      if (!request.session && !isToken(request.headers.authorization, metricsToken))
        throw new ApiError(401, 'no-session', 'send the token printed by `hactl console token`');
      void reply.type(metrics.registry.contentType);
      return metrics.registry.metrics();
    });
    if (page !== undefined)
      await api.register(files, {
        root: page,
        index: ['index.html'],
        dotfiles: 'deny',
        preCompressed: true,
        cacheControl: false,
        setHeaders: (response, file) => void response.header('cache-control', cachingOf(file)),
      });
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
