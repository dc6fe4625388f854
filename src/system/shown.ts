/** How commands and URLs are shown in logs, events and answers: their arguments may be passwords. Pure. */

/** Programs that run their first argument. */
const interpreters = /^(?:(?:ba|da|k|z)?sh|perl[\d.]*|python[\d.]*|ruby[\d.]*|node|env)$/;
/** Minimum length: shorter arguments also occur in ordinary output. */
const SHORTEST = 4;
const REST = '…';

const wordsOf = (command: string | readonly string[]): readonly string[] =>
  typeof command === 'string' ? command.trim().split(/\s+/) : command;

/** The program, and an interpreter's script; `…` replaces the rest. */
export function shownCommand(command: string | readonly string[]): string {
  const words = wordsOf(command);
  // A shell command may start with variable assignments.
  const first = words.findIndex((word) => !/^\w+=/.test(word));
  if (first < 0) return REST;
  const [program = '', ...rest] = words.slice(first);
  const script =
    interpreters.test(program.split('/').at(-1) ?? '') && rest[0]?.startsWith('/') ? rest[0] : undefined;
  const named = script === undefined ? [program] : [program, script];
  return [...named, ...(rest.length >= named.length ? [REST] : [])].join(' ');
}

/** The host of a URL; the rest may contain a password, and often the path is one. */
export function shownUrl(url: string): string {
  try {
    return new URL(url).origin;
  } catch {
    return REST;
  }
}

/** A command's output without its arguments, which many programs repeat when they fail. */
export function withoutArguments(output: string, command: string | readonly string[]): string {
  const words = wordsOf(command);
  const rest = words.filter((word, index) => index > 0 || /^\w+=/.test(word));
  const secrets = new Set(
    rest.flatMap((word) => [word, word.replace(/^-*[\w-]+=/, ''), word.replace(/^-\w/, '')]),
  );
  return [...secrets]
    .filter((word) => word.length >= SHORTEST && !/^\/[\w./-]*$/.test(word))
    .toSorted((a, b) => b.length - a.length)
    .reduce((text, word) => text.replaceAll(word, REST), output);
}
