/** Handlers of the control socket and of the peer for tests; commands that a test does not define are refused. */
import type {Handlers, PeerHandlers} from './answers.ts';
import {CommandError} from './error.ts';

const refuse = (): Promise<never> => Promise.reject(new CommandError('not-here', 'not in this test'));

export const handlers = (given: Partial<Handlers>): Handlers => ({
  status: refuse,
  events: refuse,
  reload: refuse,
  resync: refuse,
  plan: refuse,
  push: refuse,
  'config-history': refuse,
  'config-diff': refuse,
  'config-rollback': refuse,
  'config-read': refuse,
  'config-write': refuse,
  move: refuse,
  order: refuse,
  resource: refuse,
  peer: refuse,
  ...given,
});

export const peerHandlers = (given: Partial<PeerHandlers>): PeerHandlers => ({
  status: refuse,
  events: refuse,
  orders: refuse,
  facts: refuse,
  'push-prepare': refuse,
  'push-commit': refuse,
  'push-abort': refuse,
  'push-undo': refuse,
  'push-outcome': refuse,
  ...given,
});
