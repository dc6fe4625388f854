/** The commander program as plain data, for completions and manual pages. Pure. */
import type {Argument, Command, Option} from 'commander';

/** The kind of a value: completions offer files, directories, the real servers of the running director, or listed words. */
export type ValueKind = 'file' | 'directory' | 'real' | 'other';

export interface TreeOption {
  readonly long: string;
  readonly short?: string;
  /** Its value as shown in the help; undefined: it takes none. */
  readonly value?: string;
  readonly kind: ValueKind;
  readonly choices: readonly string[];
  readonly description: string;
}

export interface TreeArgument {
  readonly shown: string;
  readonly kind: ValueKind;
  readonly choices: readonly string[];
  readonly description: string;
}

export interface CommandTree {
  /** All words up to it: `hactl sync resync`. */
  readonly path: string;
  readonly name: string;
  readonly description: string;
  readonly options: readonly TreeOption[];
  readonly arguments: readonly TreeArgument[];
  readonly commands: readonly CommandTree[];
}

const kindOf = (name: string): ValueKind => {
  if (/^files?$/.test(name)) return 'file';
  if (name === 'dir') return 'directory';
  return /^reals?$/.test(name) ? 'real' : 'other';
};

function optionOf(option: Option): TreeOption {
  const value = /[<[].*[>\]]/.exec(option.flags)?.[0];
  return {
    long: option.long ?? option.short ?? '',
    ...(option.short !== undefined && option.long !== undefined ? {short: option.short} : {}),
    ...(value === undefined ? {} : {value}),
    kind: kindOf(value?.slice(1, -1) ?? ''),
    choices: option.argChoices ?? [],
    description: option.description,
  };
}

function argumentOf(argument: Argument): TreeArgument {
  const inner = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return {
    shown: argument.required ? `<${inner}>` : `[${inner}]`,
    kind: kindOf(argument.name()),
    choices: argument.argChoices ?? [],
    description: argument.description,
  };
}

/** The tree below a command, without hidden commands and options. */
export function treeOf(command: Command, above = ''): CommandTree {
  const path = above === '' ? command.name() : `${above} ${command.name()}`;
  const help = command.createHelp();
  return {
    path,
    name: command.name(),
    description: command.description(),
    options: help.visibleOptions(command).map(optionOf),
    arguments: command.registeredArguments.map(argumentOf),
    commands: help
      .visibleCommands(command)
      .filter((command) => command.name() !== 'help')
      .map((command) => treeOf(command, path)),
  };
}

/** The tree as a list, parents first. */
export const flatten = (tree: CommandTree): CommandTree[] => [tree, ...tree.commands.flatMap(flatten)];
