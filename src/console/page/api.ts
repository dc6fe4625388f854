/** The page's API client: JSON, with the header that a cross-site page cannot send. */
import type {HistoryOutcome, PlannedChange} from '../../control/answers.ts';
import type {JournalEvent} from '../../control/events.ts';
import type {StatusSnapshot} from '../../control/protocol.ts';

export type {HistoryOutcome, JournalEvent, PlannedChange, StatusSnapshot};
export type Role = 'viewer' | 'operator' | 'admin';

export interface Login {
  readonly user: string;
  readonly role: Role;
  readonly csrf: string;
}

export type Live =
  {readonly ok: true; readonly status: StatusSnapshot} | {readonly ok: false; readonly reason: string};

export interface Setting {
  readonly name: string;
  readonly value: string;
}
export interface Service {
  readonly virtual: string;
  readonly on: boolean;
  /** Index among services with the same address and port. */
  readonly nth: number;
  readonly lines: readonly Setting[];
}
export interface Group {
  readonly node: string;
  readonly name: string;
  readonly addresses: readonly string[];
  readonly services: readonly string[];
  readonly sync: boolean;
}
export interface ConfigView {
  readonly files: readonly {
    readonly name: string;
    readonly services: readonly Service[];
    readonly globals: readonly Setting[];
  }[];
  readonly ha: Readonly<Record<string, string>>;
  readonly haresources: string;
  readonly groups: readonly Group[];
}
export interface Outcome {
  readonly ok: boolean;
  readonly text: string;
  readonly rows: readonly PlannedChange[];
  readonly diagnostics: readonly string[];
  readonly peer?: string;
}
/** Body of POST /api/config/plan. */
export type FileEdit =
  | {readonly kind: 'service'; readonly file: string; readonly edit: object}
  | {readonly kind: 'ha'; readonly name: string; readonly value?: string}
  | {readonly kind: 'resource'; readonly node: string; readonly word: string; readonly beside?: string}
  | {readonly kind: 'text'; readonly file: string; readonly text: string};

/** A refused request; the message is shown to the user. */
export class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const token = {csrf: ''};
export const setCsrf = (csrf: string): void => {
  token.csrf = csrf;
};

export async function call<T>(method: 'GET' | 'POST' | 'DELETE', url: string, body?: object): Promise<T> {
  const answer = await fetch(url, {
    method,
    credentials: 'same-origin',
    headers: {
      ...(method === 'GET' ? {} : {'x-hactl-csrf': token.csrf}),
      ...(body ? {'content-type': 'application/json'} : {}),
    },
    ...(body ? {body: JSON.stringify(body)} : {}),
  });
  const text = await answer.text();
  const value: unknown = text === '' ? {} : JSON.parse(text);
  if (!answer.ok)
    throw new Refused(answer.status, (value as {message?: string}).message ?? answer.statusText);
  return value as T;
}

export const get = <T>(url: string): Promise<T> => call<T>('GET', url);
export const post = <T>(url: string, body: object = {}): Promise<T> => call<T>('POST', url, body);

/** One for each click: the browser may send its request twice, and the console must know. */
export const clickId = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))]
    .map((octet) => octet.toString(16).padStart(2, '0'))
    .join('');
