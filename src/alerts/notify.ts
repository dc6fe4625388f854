/** Notifies webhooks and commands: each has its own queue, so a slow one delays nobody. notices.ts builds the content. */
import type {Clock, Millis} from '@hactl/base';
import {programEnvironment, runLimited} from '@hactl/base/run';
import type {OutsideAlerts} from '@hactl/config';
import {NOTIFY_LIMIT_MS} from '../system/limits.ts';
import type {Log} from '../system/log.ts';
import {shownCommand, shownUrl} from '../system/shown.ts';
import {
  compose,
  nothingWaits,
  wait,
  type Census,
  type Message,
  type Notice,
  type Waiting,
} from './notices.ts';

/** An unreachable receiver is retried after these pauses; then the message is dropped and logged. */
const AGAIN: readonly Millis[] = [2_000, 10_000];

interface Receiver {
  readonly key: string;
  readonly name: string;
  readonly gap: Millis;
  send(message: Message): Promise<void>;
  waiting: Waiting;
  timer?: NodeJS.Timeout | undefined;
  busy?: Promise<void> | undefined;
}

const plain = (word: string): string => {
  try {
    return decodeURIComponent(word);
  } catch {
    // A literal %.
    return word;
  }
};

/** Sends a URL's user and password as Basic authentication: fetch refuses them in the URL, and its error quotes the URL. */
function target(url: string, token: string | undefined): {readonly to: URL; readonly authorization?: string} {
  const to = new URL(url);
  const login = [to.username, to.password].map((word) => plain(word)).join(':');
  to.username = '';
  to.password = '';
  if (token !== undefined) return {to, authorization: `Bearer ${token}`};
  return login === ':' ? {to} : {to, authorization: `Basic ${Buffer.from(login).toString('base64')}`};
}

async function post(url: string, token: string | undefined, message: Message): Promise<void> {
  const {to, authorization} = target(url, token);
  const response = await fetch(to, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'hactl',
      ...(authorization === undefined ? {} : {authorization}),
    },
    body: JSON.stringify(message),
    redirect: 'error',
    signal: AbortSignal.timeout(NOTIFY_LIMIT_MS),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
}

/** The message as JSON on standard input, its summary in the environment. */
async function tellCommand(words: readonly string[], message: Message): Promise<void> {
  const [file = '', ...rest] = words;
  const {status, timedOut} = await runLimited(file, rest, {
    limit: NOTIFY_LIMIT_MS,
    read: 'none',
    input: `${JSON.stringify(message)}\n`,
    env: programEnvironment({HACTL_SUMMARY: message.summary, HACTL_CHANGES: String(message.changes)}),
  });
  if (timedOut) throw new Error(`did not end within ${NOTIFY_LIMIT_MS} ms: killed`);
  if (status !== 0) throw new Error(typeof status === 'number' ? `ended with exit status ${status}` : status);
}

const why = (error: unknown): string => {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${error instanceof Error ? error.message : String(error)}${cause}`;
};

export interface Notifier {
  configure(alerts: OutsideAlerts | undefined): void;
  /** Whether there is any receiver. */
  readonly listens: boolean;
  tell(notices: readonly Notice[]): void;
  /** Sends the waiting messages; resolves when they are sent or given up. */
  stop(): Promise<void>;
}

export function makeNotifier(options: {
  readonly clock: Clock;
  readonly log: Log;
  readonly node: string;
  readonly census: () => readonly Census[];
  readonly again?: readonly Millis[];
}): Notifier {
  const {clock, log} = options;
  const again = options.again ?? AGAIN;
  let receivers: readonly Receiver[] = [];
  let stopping = false;

  function arm(receiver: Receiver): void {
    clearTimeout(receiver.timer);
    if (receiver.waiting.total === 0 || receiver.busy) return;
    const delay = stopping ? 0 : Math.max(0, receiver.waiting.dueAt - clock.now());
    receiver.timer = setTimeout(() => {
      receiver.busy = flush(receiver).finally(() => {
        receiver.busy = undefined;
        arm(receiver);
      });
    }, delay);
    if (!stopping) receiver.timer.unref();
  }

  async function flush(receiver: Receiver): Promise<void> {
    const message = compose(receiver.waiting, options.node, clock.wall(), options.census());
    receiver.waiting = {...nothingWaits, sentAt: clock.now()};
    for (let attempt = 0; ; attempt += 1) {
      try {
        // oxlint-disable-next-line no-await-in-loop -- one attempt after the other.
        await receiver.send(message);
        log('info', `${receiver.name}: ${message.summary}`);
        return;
      } catch (error) {
        const pause = stopping ? undefined : again[attempt];
        log(
          'warn',
          `${receiver.name}: ${why(error)}${pause === undefined ? `; dropped: ${message.summary}` : ''}`,
        );
        if (pause === undefined) return;
        // oxlint-disable-next-line no-await-in-loop -- this loop is the waiting.
        await new Promise((resolve) => setTimeout(resolve, pause).unref());
      }
    }
  }

  return {
    configure: (alerts) => {
      const old = new Map(receivers.map((receiver) => [receiver.key, receiver]));
      const {webhooks = [], commands = [], gap = 0} = alerts ?? {};
      const make = (key: string, name: string, send: Receiver['send']): Receiver => ({
        key,
        name,
        gap,
        send,
        waiting: old.get(key)?.waiting ?? nothingWaits,
      });
      for (const receiver of receivers) clearTimeout(receiver.timer);
      receivers = [
        ...webhooks.map(({url, token}) =>
          make(url, `webhook ${shownUrl(url)}`, (message) => post(url, token, message)),
        ),
        ...commands.map((words) =>
          make(words.join(' '), `alert command ${shownCommand(words)}`, (message) =>
            tellCommand(words, message),
          ),
        ),
      ];
      for (const receiver of receivers) arm(receiver);
    },
    get listens() {
      return receivers.length > 0;
    },
    tell: (notices) => {
      for (const receiver of receivers) {
        receiver.waiting = wait(receiver.waiting, notices, clock.now(), receiver.gap);
        arm(receiver);
      }
    },
    stop: async () => {
      stopping = true;
      await Promise.all(
        receivers.map(async (receiver) => {
          clearTimeout(receiver.timer);
          await receiver.busy;
          clearTimeout(receiver.timer);
          if (receiver.waiting.total > 0) await flush(receiver);
        }),
      );
    },
  };
}
