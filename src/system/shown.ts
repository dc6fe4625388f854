/** How commands and addresses of services are named in logs, events and answers: their arguments may be passwords. Pure. */

/** What runs the word behind it. */
const interpreters = /^(?:(?:ba|da|k|z)?sh|perl[\d.]*|python[\d.]*|ruby[\d.]*|node|env)$/;
/** Shorter words of a command line are words of ordinary output too. */
const SHORTEST = 4;
const REST = '…';

const wordsOf = (command: string | readonly string[]): readonly string[] =>
  typeof command === 'string' ? command.trim().split(/\s+/) : command;

/** The program, and the script that an interpreter is given; `…` stands for the rest. */
export function shownCommand(command: string | readonly string[]): string {
  const words = wordsOf(command);
  // A shell's command may begin with variables.
  const first = words.findIndex((word) => !/^\w+=/.test(word));
  if (first < 0) return REST;
  const [program = '', ...rest] = words.slice(first);
  const script =
    interpreters.test(program.split('/').at(-1) ?? '') && rest[0]?.startsWith('/') ? rest[0] : undefined;
  const named = script === undefined ? [program] : [program, script];
  return [...named, ...(rest.length >= named.length ? [REST] : [])].join(' ');
}

/** The host of a URL; behind it may be a password, and often the path is one. */
export function shownUrl(url: string): string {
  try {
    return new URL(url).origin;
  } catch {
    return REST;
  }
}

/** What a command printed, without the arguments that it was given: many programs repeat them when they fail. */
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
