/** Completion scripts for bash, zsh and fish, generated from the command tree. Pure. */
import {flatten, type CommandTree, type TreeOption, type ValueKind} from './command-tree.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** Prints the running director's real servers, one a line; hidden, for these scripts. */
export const REALS_COMMAND = 'complete-reals';

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
const flagsOf = (option: TreeOption): string[] => [
  option.long,
  ...(option.short === undefined ? [] : [option.short]),
];

/** `PATH|OPTION` of options that take a value. */
const valued = (all: readonly CommandTree[]): {key: string; option: TreeOption}[] =>
  all.flatMap((command) =>
    command.options
      .filter((option) => option.value !== undefined)
      .flatMap((option) => flagsOf(option).map((flag) => ({key: `${command.path}|${flag}`, option}))),
  );

/** The lines of a `case` with the completions for each value; equal ones are merged. */
function grouped(all: readonly CommandTree[], action: (option: TreeOption) => string): string[] {
  const groups = Map.groupBy(valued(all), ({option}) => action(option));
  return [...groups].map(
    ([what, keys]) => `    ${keys.map(({key}) => quoted(key)).join('|')}) ${what}; return ;;`,
  );
}

const argumentKinds = (command: CommandTree): Set<ValueKind> =>
  new Set(command.arguments.map((argument) => argument.kind));
const argumentChoices = (command: CommandTree): string[] =>
  command.arguments.flatMap((argument) => argument.choices);

/** bash and zsh find the command before the cursor in the same way. */
function walk(all: readonly CommandTree[], words: string): string {
  const keys = valued(all).map(({key}) => quoted(key));
  const paths = all.slice(1).map(({path}) => quoted(path));
  return `  for word in ${words}; do
    case "$at|$prev" in
      ${keys.join('|')}) prev=; continue ;;
    esac
    case "$at $word" in
      ${paths.join('|')}) at="$at $word"; prev= ;;
      *) prev=$word ;;
    esac
  done`;
}

function bash(tree: CommandTree): string {
  const all = flatten(tree);
  const reply = (words: readonly string[]): string =>
    `COMPREPLY=($(compgen -W ${quoted(words.join(' '))} -- "$cur"))`;
  const values = grouped(all, ({kind, choices}) => {
    const what = {file: 'compgen -f', directory: 'compgen -d', real: '_hactl_reals', other: ''}[kind];
    return what === '' ? reply(choices) : `COMPREPLY=($(${what} -- "$cur"))`;
  });
  const commands = all.map((command) => {
    const words = [...command.commands.map((command) => command.name), ...argumentChoices(command)];
    const kinds = argumentKinds(command);
    const more = kinds.has('real') ? '" $(_hactl_reals)"' : '';
    const options = command.options.flatMap(flagsOf);
    return `    ${quoted(command.path)}) words=${quoted(words.join(' '))}${more}; options=${quoted(options.join(' '))} ;;`;
  });
  return `# bash completion for hactl; made by: hactl completion bash
_hactl_reals() { hactl ${REALS_COMMAND} 2>/dev/null; }
_hactl() {
  local line=\${COMP_LINE:0:COMP_POINT} cur= at=${tree.name} prev= word words= options=
  local -a before
  read -ra before <<<"$line"
  # The line is split at blanks only: bash splits words at colons, and addresses have those.
  if [[ $line != *[[:space:]] ]]; then
    cur=\${before[\${#before[@]}-1]}
    unset "before[\${#before[@]}-1]"
  fi
${walk(all, '"${before[@]:1}"')}
  case "$at|$prev" in
${values.join('\n')}
  esac
  case "$at" in
${commands.join('\n')}
  esac
  if [[ $cur == -* ]]; then words=$options; fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  # What bash takes for words of their own in front of a colon is there already.
  if [[ $cur == *:* ]]; then COMPREPLY=("\${COMPREPLY[@]#"\${cur%"\${cur##*:}"}"}"); fi
}
complete -o default -F _hactl hactl
`;
}

function zsh(tree: CommandTree): string {
  const all = flatten(tree);
  const described = (name: string, text: string): string => quoted(`${name.replaceAll(':', '\\:')}:${text}`);
  const values = grouped(
    all,
    ({kind, choices}) =>
      ({
        file: '_files',
        directory: '_files -/',
        real: 'compadd -- $(_hactl_reals)',
        other: `compadd -- ${choices.map(quoted).join(' ')}`,
      })[kind],
  );
  const commands = all.map((command) => {
    const words = [
      ...command.commands.map((command) => described(command.name, command.description)),
      ...command.arguments.flatMap((argument) =>
        argument.choices.map((choice) => described(choice, argument.description)),
      ),
    ];
    const options = command.options.flatMap((option) =>
      flagsOf(option).map((flag) => described(flag, option.description)),
    );
    const kinds = argumentKinds(command);
    return [
      `    ${quoted(command.path)})`,
      `      found=(${words.join(' ')})`,
      `      options=(${options.join(' ')})`,
      `      files=${kinds.has('file') ? 1 : 0} reals=${kinds.has('real') ? 1 : 0} ;;`,
    ].join('\n');
  });
  return `#compdef hactl
# zsh completion for hactl; made by: hactl completion zsh
_hactl_reals() { hactl ${REALS_COMMAND} 2>/dev/null }
_hactl() {
  local at=${tree.name} prev= word files=0 reals=0
  local -a found options
${walk(all, '"${(@)words[2,CURRENT-1]}"')}
  case "$at|$prev" in
${values.join('\n')}
  esac
  case "$at" in
${commands.join('\n')}
  esac
  if [[ \${words[CURRENT]} == -* ]]; then
    _describe -o option options
    return
  fi
  (( \${#found} )) && _describe command found
  (( reals )) && compadd -- $(_hactl_reals)
  (( files )) && _files
  return 0
}
if [[ \${funcstack[1]} == _hactl ]]; then _hactl "$@"; else compdef _hactl hactl; fi
`;
}

/** In single quotes fish knows \\ and \' only. */
const fishQuoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

function fish(tree: CommandTree): string {
  const all = flatten(tree);
  const keys = valued(all).map(({key}) => fishQuoted(key));
  const paths = all.slice(1).map(({path}) => fishQuoted(path));
  const lines: string[] = [];
  for (const command of all) {
    const line = `complete -c hactl -n ${fishQuoted(`__hactl_at '${command.path}'`)}`;
    for (const subcommand of command.commands)
      lines.push(`${line} -f -a ${subcommand.name} -d ${fishQuoted(subcommand.description)}`);
    for (const argument of command.arguments) {
      if (argument.choices.length > 0) lines.push(`${line} -f -a ${fishQuoted(argument.choices.join(' '))}`);
      if (argument.kind === 'real') lines.push(`${line} -f -a '(hactl ${REALS_COMMAND} 2>/dev/null)'`);
      if (argument.kind === 'file') lines.push(`${line} -F`);
    }
    for (const option of command.options) {
      const value =
        option.value === undefined
          ? ''
          : option.choices.length > 0
            ? ` -x -a ${fishQuoted(option.choices.join(' '))}`
            : ' -r';
      const short = option.short === undefined ? '' : ` -s ${option.short.slice(1)}`;
      lines.push(`${line} -l ${option.long.slice(2)}${short}${value} -d ${fishQuoted(option.description)}`);
    }
  }
  return `# fish completion for hactl; made by: hactl completion fish
function __hactl_at
    set -l at ${tree.name}
    set -l prev
    for word in (commandline -opc)[2..]
        if contains -- "$at|$prev" ${keys.join(' ')}
            set prev
        else if contains -- "$at $word" ${paths.join(' ')}
            set at "$at $word"
            set prev
        else
            set prev $word
        end
    end
    test "$at" = "$argv[1]"
end
complete -c hactl -f
${lines.join('\n')}
`;
}

const makers: Readonly<Record<Shell, (tree: CommandTree) => string>> = {bash, zsh, fish};

/** The script for a shell. */
export const completionFor = (shell: Shell, tree: CommandTree): string => makers[shell](tree);
