/** `hactl invite`: prints a token for the second director and waits for it. */
import {randomBytes} from 'node:crypto';
import os from 'node:os';
import {pairHere} from '../../setup/directory.ts';
import {INVITATION_LASTS} from '../../setup/invitation.ts';
import {invite, type Invitation} from '../../setup/invite.ts';
import {ownNetworks} from '../../setup/machine.ts';
import {TOKEN_OCTETS, tokenText} from '../../setup/token.ts';
import {VERSION} from '../../system/paths.ts';
import {CliError, exit} from '../exit.ts';
import {shownLine} from '../render/shown.ts';

export interface InviteCommandOptions {
  readonly configDir: string;
  readonly node?: string;
  readonly port: string;
  readonly address?: string;
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** Exit status 0: the second director joined; 1: it did not; 2: there is no pair to join. */
export async function inviteFrom(options: InviteCommandOptions): Promise<number> {
  const node = (options.node ?? os.hostname()).toLowerCase();
  const port = Number(options.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new CliError(exit.config, `--port ${options.port} is no TCP port`, 'hactl invite --help');
  const pair = await pairHere(options.configDir, node);
  if (!('peers' in pair))
    throw new CliError(
      exit.config,
      `${options.configDir} has no pair that could be joined`,
      pair.cluster === undefined ? 'hactl init' : 'hactl check-config',
    );
  if (pair.peers.length === 0)
    throw new CliError(
      exit.config,
      'ha.cf has no second node',
      'hactl init --replace --peer NAME, or a node line in ha.cf',
    );
  const secret = randomBytes(TOKEN_OCTETS);
  let waiting: Invitation;
  try {
    waiting = await invite({
      secret,
      awaited: pair.peers,
      bundle: pair.bundle,
      version: VERSION,
      port,
      print: (text) => say(shownLine(text)),
    });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new CliError(
      exit.failed,
      `TCP port ${port} cannot be listened on (${code})`,
      'hactl invite --port PORT',
    );
  }
  const addresses =
    options.address === undefined ? ownNetworks().map(({address}) => address) : [options.address];
  const [address = 'ADDRESS', ...others] = addresses;
  const suffix = waiting.port === 6945 ? '' : ` --port ${waiting.port}`;
  say(
    `\nOn ${pair.peers.join(' or ')}, within ${INVITATION_LASTS / 60_000} minutes:\n\n  hactl join ${address} ${tokenText(secret)}${suffix}\n`,
  );
  if (others.length > 0) say(`(or at ${others.join(', ')}; the token is good for one director, once)`);
  const stop = (): void => waiting.close();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const {ok, text} = await waiting.ended;
  process.off('SIGINT', stop);
  process.off('SIGTERM', stop);
  say(shownLine(text));
  return ok ? exit.ok : exit.failed;
}
