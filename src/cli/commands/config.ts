import {ask} from '../../control/client.ts';
import {CliError, exit} from '../exit.ts';
import {table} from '../render/table.ts';
import {dateTime} from '../render/when.ts';
import {jsonText, shownText} from '../render/shown.ts';
import {CONFIG_LIMIT_MS} from '../../system/limits.ts';

const print = (lines: readonly string[]): void => {
  process.stdout.write(lines.map((line) => shownText(line) + '\n').join(''));
};
const json = (outcome: object): void => print([jsonText({version: 1, ...outcome})]);
const when = (wall: number): string => dateTime(wall).slice(0, 19);

function numberOf(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1)
    throw new CliError(exit.config, `"${text}" is not a version: hactl config history lists them`);
  return number;
}

/** `hactl config history`: the versions that were in use, and the pushes. */
export async function history(socket: string, options: {json?: boolean}): Promise<number> {
  const outcome = await ask(socket, {command: 'config-history'}, CONFIG_LIMIT_MS);
  if (options.json) json(outcome);
  else {
    print(
      table(
        outcome.versions
          .map((version) => [
            String(version.number),
            when(version.wall),
            version.inUse ? `${version.why} (in use)` : version.why,
            version.changed.join(' '),
          ])
          .toReversed(),
        [0],
      ),
    );
    const pushes = outcome.pushes.map(({wall, side, peer, state, text}) => [
      when(wall),
      side === 'rollback' ? 'rollback' : side === 'sent' ? `push to ${peer}` : `push from ${peer}`,
      state,
      text,
    ]);
    if (pushes.length > 0) print(['', ...table(pushes.toReversed())]);
  }
  return exit.ok;
}

/** `hactl config diff [A] [B]`, `--peer`: line by line, without secrets; with the peer, directive by directive. */
export async function diff(
  socket: string,
  versions: readonly (string | undefined)[],
  options: {json?: boolean; peer?: boolean},
): Promise<number> {
  const [a, b] = versions.map((text) => (text === undefined ? undefined : numberOf(text)));
  const outcome = await ask(
    socket,
    {
      command: 'config-diff',
      ...(a === undefined ? {} : {a}),
      ...(b === undefined ? {} : {b}),
      ...(options.peer ? {peer: true} : {}),
    },
    CONFIG_LIMIT_MS,
  );
  if (options.json) json(outcome);
  else if (outcome.lines.length === 0) print([`${outcome.from} and ${outcome.to}: no difference`]);
  else print([`${outcome.from} -> ${outcome.to}`, ...outcome.lines]);
  return outcome.lines.length === 0 ? exit.ok : exit.failed;
}

/** `hactl config rollback N`: restores the files on disk and applies them. */
export async function rollback(socket: string, version: string, options: {json?: boolean}): Promise<number> {
  const outcome = await ask(
    socket,
    {command: 'config-rollback', version: numberOf(version)},
    CONFIG_LIMIT_MS,
  );
  if (options.json) json(outcome);
  else {
    for (const text of outcome.diagnostics) process.stderr.write(shownText(text) + '\n\n');
    print([
      outcome.ok ? `${outcome.text}; the peer is unchanged: hactl push sends this to it` : outcome.text,
    ]);
  }
  return outcome.ok ? exit.ok : exit.failed;
}
