/** Do both directors have the same configuration? If not: which directive is the first to differ. */
import type {Clock} from '@hactl/base';
import {compareFacts, pairFacts, type Fact, type FactChange} from '@hactl/config';
import type {EngineStatus} from '@hactl/failover';
import type {ConfigDifference} from '../control/protocol.ts';
import type {FactsAnswer} from '../control/answers.ts';
import type {PeerCommand} from '../control/peer-commands.ts';
import type {Log} from '../system/log.ts';
import type {Loaded} from './loaded.ts';

/** While one reloads after the other they differ for a moment: that is nothing to talk about. In ms. */
const PATIENCE = 2_000;
const ASK_LIMIT = 5_000;
const ASK_AGAIN = 30_000;

/** From here to there, in the order of the files. */
export const differencesTo = (running: Loaded, peer: readonly Fact[]): FactChange[] =>
  compareFacts(pairFacts(running.cluster), peer);

/** The sentence of the status and the log. */
export function differenceText({peer, count, first, problem}: ConfigDifference): string {
  const head = `configuration differs from ${peer}'s`;
  if (!first) return problem === undefined ? head : `${head}; in what is not known: ${problem}`;
  const {file, directive, from, to} = first;
  const more = count > 1 ? ` (and ${count - 1} more: hactl config diff --peer)` : '';
  return `${head}: ${file.split('/').at(-1)}: ${directive}: ${from ?? 'not'} here, ${to ?? 'not'} there${more}`;
}

export function watchDifference(ports: {
  readonly clock: Clock;
  readonly log: Log;
  readonly running: () => Loaded;
  readonly ask: (command: PeerCommand<'facts'>, limit: number) => Promise<FactsAnswer>;
}) {
  const {clock, log} = ports;
  let seen:
    {key: string; since: number; askAt: number; told: boolean; difference: ConfigDifference} | undefined;

  async function find(of: NonNullable<typeof seen>): Promise<void> {
    try {
      const {facts} = await ports.ask({command: 'facts'}, ASK_LIMIT);
      const changes = differencesTo(ports.running(), facts);
      const [first] = changes;
      if (seen !== of) return;
      of.askAt = Infinity;
      of.difference = {peer: of.difference.peer, count: changes.length, ...(first ? {first} : {})};
    } catch (error) {
      of.difference = {...of.difference, problem: error instanceof Error ? error.message : String(error)};
      // Asked again and again, said once.
      if (seen !== of || of.told) return;
      of.told = true;
    }
    log('warn', differenceText(of.difference));
  }

  return {
    /** Looks at what the adverts say; asks the peer when it has had another configuration for a while. */
    look: (engine: EngineStatus | undefined): void => {
      const {digest} = ports.running();
      const other = engine?.peers.find(
        ({state, configDigest}) =>
          (state === 'up' || state === 'late') &&
          configDigest !== undefined &&
          configDigest !== '' &&
          !digest.startsWith(configDigest),
      );
      if (!other) {
        seen = undefined;
        return;
      }
      const key = `${digest} ${other.configDigest ?? ''}`;
      const now = clock.now();
      if (seen?.key !== key)
        seen = {
          key,
          since: now,
          askAt: now + PATIENCE,
          told: false,
          difference: {peer: other.name, count: 0},
        };
      if (now < seen.askAt) return;
      seen.askAt = now + ASK_AGAIN;
      void find(seen);
    },
    /** undefined: they agree, or nothing is known of the peer. */
    get difference(): ConfigDifference | undefined {
      return seen && clock.now() - seen.since >= PATIENCE ? seen.difference : undefined;
    },
  };
}
