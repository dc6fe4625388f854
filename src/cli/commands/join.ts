/** `hactl join`: the second director gets the files of the pair from the first one. */
import os from 'node:os';
import readline from 'node:readline/promises';
import {isSharedName} from '../../configuration/config-files.ts';
import {askToJoin, JoinError} from '../../setup/ask-to-join.ts';
import {deviceNames, readBundle, renameDevices} from '../../setup/bundle.ts';
import {existing, checkDirectory, write} from '../../setup/directory.ts';
import type {JoinOutcome} from '../../setup/invitation.ts';
import {isRoot, localAddresses} from '../../setup/machine.ts';
import {startDaemon} from '../../setup/start.ts';
import {readToken} from '../../setup/token.ts';
import {VERSION} from '../../system/paths.ts';
import {CliError, exit} from '../exit.ts';
import {shownLine, shownText} from '../render/shown.ts';

export interface JoinOptions {
  readonly configDir: string;
  readonly node?: string;
  readonly port: string;
  readonly replace?: boolean;
  readonly start: boolean;
}

const say = (text: string): void => void process.stdout.write(`${shownText(text)}\n`);

async function tokenFrom(word: string | undefined): Promise<Uint8Array> {
  let text = word;
  if (text === undefined && process.stdin.isTTY) {
    const prompt = readline.createInterface({input: process.stdin, output: process.stdout});
    text = await prompt.question('Token: ');
    prompt.close();
  }
  if (text === undefined)
    throw new CliError(
      exit.config,
      'the token is missing',
      'hactl join ADDRESS TOKEN, as hactl invite prints it on the first director',
    );
  const secret = readToken(text);
  if (!secret)
    throw new CliError(
      exit.config,
      'invalid token: it has a typo',
      'the line that the first director printed, or hactl invite there for a new token',
    );
  return secret;
}

/** Exit status 0: the files are there (and hactld runs); 1: nothing was changed; 2: invalid input. */
export async function join(address: string, word: string | undefined, options: JoinOptions): Promise<number> {
  const {configDir} = options;
  const node = (options.node ?? os.hostname()).toLowerCase();
  const port = Number(options.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new CliError(exit.config, `--port ${options.port} is no TCP port`, 'hactl join --help');
  if (!isRoot() && options.start)
    throw new CliError(exit.failed, 'it takes root to set up a director', 'sudo hactl join ADDRESS TOKEN');
  const found = existing(configDir);
  if (found.length > 0 && !options.replace)
    throw new CliError(
      exit.failed,
      `there is a configuration already: ${found.join(', ')}; nothing was changed`,
      'hactl join --replace ADDRESS TOKEN puts the files of the pair in its place (FILE.orig is kept)',
    );
  const secret = await tokenFrom(word);
  const request = {node, version: VERSION};
  let outcome: JoinOutcome;
  try {
    outcome = await askToJoin({
      address,
      port,
      secret,
      request,
      receive: (bundle) => take(bundle, node, options),
    });
  } catch (error) {
    if (!(error instanceof JoinError)) throw error;
    throw new CliError(
      exit.failed,
      `${shownLine(error.message)}; nothing was changed`,
      'hactl invite on the first director prints a new token',
    );
  }
  if (!outcome.ok) throw new CliError(exit.failed, outcome.text, 'hactl doctor');
  say(outcome.text);
  return exit.ok;
}

const refused = (problems: readonly string[]): JoinOutcome => ({
  ok: false,
  text: `the files of the first director are not taken; nothing was changed:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
});

/** Validates the received files and writes them together. */
async function take(value: unknown, node: string, options: JoinOptions): Promise<JoinOutcome> {
  const {configDir} = options;
  const bundle = readBundle(value, isSharedName);
  if (!bundle.ok) return refused(bundle.fault.map(shownLine));
  const names = deviceNames(bundle.value.networks, localAddresses());
  const files = bundle.value.files.map((file) => renameDevices(file, names));
  const {loaded, cluster, texts} = await checkDirectory(configDir, node, files);
  if (cluster?.ha && !cluster.ha.nodes.some(({name}) => name === node))
    return refused([`ha.cf has no node ${node}, which this machine is`]);
  if (!loaded) return refused(texts.map((text) => shownText(text).replaceAll('\n', '\n  ')));
  for (const text of texts) say(`${text}\n`);
  for (const file of write(configDir, files)) say(`kept: ${file}`);
  say(`written: ${files.map(({name}) => `${configDir}/${name}`).join(', ')}`);
  if (!options.start) return {ok: true, text: `the files are in ${configDir}; hactld was not started`};
  return startDaemon({print: say});
}
