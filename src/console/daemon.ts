/** The console's access to the director: only the control socket, like any other client. */
import type {AnswerTo} from '../control/answers.ts';
import {ask, ControlError} from '../control/client.ts';
import type {EventQuery, EventsAnswer} from '../control/events.ts';
import type {Command, StatusSnapshot} from '../control/protocol.ts';
import {ASK_LIMIT_MS} from '../system/limits.ts';

export interface Daemon {
  status(): Promise<StatusSnapshot>;
  events(query: EventQuery): Promise<EventsAnswer>;
  /** One command; `limit` in milliseconds. */
  command<C extends Command>(command: C, limit: number): Promise<AnswerTo<C>>;
}

export const openDaemon = (socket: string): Daemon => ({
  status: () => ask(socket, {command: 'status'}, ASK_LIMIT_MS),
  events: (query) => ask(socket, {command: 'events', ...query}, ASK_LIMIT_MS),
  command: (command, limit) => ask(socket, command, limit),
});

export {ControlError};
