/** Keeps the orders of both directors the same: a real that is drained stays so when the peer takes over. */
import type {Clock} from '@hactl/base';
import type {PeerCommand} from '../control/peer-commands.ts';
import type {Log} from '../system/log.ts';
import type {OrderState} from '../control/orders.ts';

const ASK_LIMIT = 5_000;
const ASK_AGAIN = 10_000;

export interface OrderMirrorPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly ask: (command: PeerCommand<'orders'>, limit: number) => Promise<OrderState>;
  readonly peerLives: () => boolean;
  readonly state: () => OrderState;
  /** Takes what the peer has; throws when that is no list of orders. */
  readonly take: (theirs: unknown) => void;
}

export interface OrderMirror {
  /** Now and then: a peer that came (back) is told, and asked. */
  look(): void;
  /** Gives the peer what is ordered here and takes what is ordered there; why that could not be done. */
  exchange(): Promise<string | undefined>;
}

export function makeOrderMirror({clock, log, ask, peerLives, state, take}: OrderMirrorPorts): OrderMirror {
  let lived = false;
  let due = true;
  let askAt = -Infinity;
  let told: string | undefined;

  async function exchange(): Promise<string | undefined> {
    due = false;
    askAt = clock.now() + ASK_AGAIN;
    try {
      take(await ask({command: 'orders', state: state()}, ASK_LIMIT));
      told = undefined;
    } catch (error) {
      due = true;
      const problem = error instanceof Error ? error.message : String(error);
      // Tried again and again, said once.
      if (problem !== told)
        log('warn', `orders for real servers are not the same on both directors: ${problem}`);
      told = problem;
    }
    return told;
  }

  return {
    look: () => {
      const lives = peerLives();
      if (lives && !lived) due = true;
      lived = lives;
      if (due && lives && clock.now() >= askAt) void exchange();
    },
    exchange,
  };
}
