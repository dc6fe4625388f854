/** Every command line of hactl but the plainest (plain-status.ts). */
import {exit} from './exit.ts';
import {tellFailure} from './failure.ts';
import {makeProgram} from './program.ts';

/** The arguments after `ipvsadm`, if that is the command; before it only `--run-dir` may appear, which it ignores. */
function ipvsadmWords([first = '', ...words]: readonly string[]): readonly string[] | undefined {
  if (first === 'ipvsadm') return words;
  if (first === '--run-dir') return ipvsadmWords(words.slice(1));
  return first.startsWith('--run-dir=') ? ipvsadmWords(words) : undefined;
}

/** Runs the command and returns its exit status. */
export async function runCommand(words: readonly string[]): Promise<number> {
  let result: number = exit.ok;
  const program = makeProgram((status) => (result = status));
  try {
    const ipvsadm = ipvsadmWords(words);
    // Loaded only here: other commands do not need netlink.
    if (ipvsadm) return await (await import('../compat/ipvsadm/run.ts')).ipvsadm(ipvsadm);
    await program.parseAsync(words, {from: 'user'});
    return result;
  } catch (error) {
    // Commander's own: help, version, or a wrong command line, which it has explained.
    if (error instanceof Error && 'exitCode' in error) return error.exitCode === 0 ? exit.ok : exit.config;
    return tellFailure(
      error,
      program.commands.map((command) => command.name()).find((name) => words.includes(name)),
    );
  }
}
