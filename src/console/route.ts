/** Declaration of API routes: role and schema next to the handler. */
import {Socket} from 'node:net';
import {TLSSocket} from 'node:tls';
import type {FastifyInstance, FastifyReply, FastifyRequest} from 'fastify';
import {includes, type Role, type Session} from './sessions.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The session of a valid cookie. */
    session: Session | undefined;
  }
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  /** `anybody`: no session required. */
  readonly role: Role | 'anybody';
  readonly summary: string;
  /** JSON Schema; properties outside it are refused. */
  readonly body?: object;
  readonly query?: object;
  readonly params?: object;
  /** Maximum octets of the body; default 16 KiB. */
  readonly bodyLimit?: number;
  work(request: FastifyRequest, reply: FastifyReply): unknown;
}

/** Header that our page sends with each change. */
export const CSRF_HEADER = 'x-hactl-csrf';

/** An answer other than 200; the message is shown to the user. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly statusCode: number;
  readonly code: string;

  constructor(statusCode: number, code: string, message: string) {
    super(message);
    this.statusCode = statusCode;
    this.code = code;
  }
}

/** A cross-site page cannot set the header, and the browser sends the request's origin. */
function isForeign({headers, session, method, raw}: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  const {origin, host} = headers;
  const from = origin === undefined ? undefined : URL.parse(origin);
  if (origin !== undefined && from?.host !== host) return true;
  // A page without TLS is foreign, whatever its name.
  if (from && from.protocol !== 'https:' && raw.socket instanceof TLSSocket) return true;
  return method !== 'GET' && session !== undefined && headers[CSRF_HEADER] !== session.csrf;
}

/** Declares a route; its role is checked before the body is read. */
export function declare(app: FastifyInstance, route: Route): void {
  const {method, url, role, summary, body, query, params, bodyLimit = 16 * 1_024} = route;
  const silence = app.initialConfig.connectionTimeout ?? 0;
  app.route({
    method,
    url,
    bodyLimit,
    schema: {
      summary,
      description: `Role: ${role}`,
      ...(body ? {body} : {}),
      ...(query ? {querystring: query} : {}),
      ...(params ? {params} : {}),
    },
    config: {role},
    onRequest: async (request) => {
      if (isForeign(request))
        throw new ApiError(403, 'foreign', 'this request does not come from the console');
      if (role === 'anybody') return;
      if (!request.session) throw new ApiError(401, 'no-session', 'log in first');
      if (!includes(request.session.role, role))
        throw new ApiError(
          403,
          'not-permitted',
          `this needs the role ${role}; you are ${request.session.role}`,
        );
    },
    handler: async (request, reply) => {
      // Both directors may need longer than a silent connection is kept. A browser sends a request again, a change too,
      // when its connection is closed without an answer. Every command has its own limit.
      const socket = request.raw.socket instanceof Socket ? request.raw.socket : undefined;
      socket?.setTimeout(0);
      try {
        return await route.work(request, reply);
      } finally {
        socket?.setTimeout(silence);
      }
    },
  });
}

/** An object schema without additional properties. */
export const object = (
  properties: Readonly<Record<string, object>>,
  required: readonly string[] = Object.keys(properties),
): object => ({type: 'object', additionalProperties: false, properties, required});
