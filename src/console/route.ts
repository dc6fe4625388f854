/** How a route of the console's API is declared: its rights and its forms stand beside its work. */
import {TLSSocket} from 'node:tls';
import type {FastifyInstance, FastifyReply, FastifyRequest} from 'fastify';
import {includes, type Role, type Session} from './sessions.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Of the cookie, where there is one that counts. */
    session: Session | undefined;
  }
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  /** `anybody` may ask without a session. */
  readonly role: Role | 'anybody';
  readonly summary: string;
  /** JSON schema; what is not in it is refused. */
  readonly body?: object;
  readonly query?: object;
  readonly params?: object;
  /** Octets of the body; 16 KiB unless said otherwise. */
  readonly bodyLimit?: number;
  work(request: FastifyRequest, reply: FastifyReply): unknown;
}

/** The header that a page of ours sends with each change. */
export const CSRF_HEADER = 'x-hactl-csrf';

/** An answer other than 200; the message is for the person at the screen. */
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

/** A foreign page cannot set the header, and a browser says where a request comes from. */
function isForeign({headers, session, method, raw}: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  const {origin, host} = headers;
  const from = origin === undefined ? undefined : URL.parse(origin);
  if (origin !== undefined && from?.host !== host) return true;
  // A page without TLS is not ours, whatever name it has.
  if (from && from.protocol !== 'https:' && raw.socket instanceof TLSSocket) return true;
  return method !== 'GET' && session !== undefined && headers[CSRF_HEADER] !== session.csrf;
}

/** Declares a route; its rights are judged before its body is read. */
export function declare(app: FastifyInstance, route: Route): void {
  const {method, url, role, summary, body, query, params, bodyLimit = 16 * 1_024} = route;
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
    handler: async (request, reply) => route.work(request, reply),
  });
}

/** An object schema with nothing beside its properties. */
export const object = (
  properties: Readonly<Record<string, object>>,
  required: readonly string[] = Object.keys(properties),
): object => ({type: 'object', additionalProperties: false, properties, required});
