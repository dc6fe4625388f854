/** `hactl init`: from nothing, or from another program's files, to a running director and a token for the second one. */
import {randomBytes} from 'node:crypto';
import {statSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline/promises';
import {applyFixes, redactKeyLine, redactLine, renderDiagnostic, type ImportKind} from '@hactl/config';
import {filesOf, isSharedName, readConfigFile} from '../../configuration/config-files.ts';
import type {LoadOutcome} from '../../configuration/load.ts';
import {existing, checkDirectory, write} from '../../setup/directory.ts';
import {importSource, readText} from '../../setup/import-source.ts';
import {isRoot, localAddresses} from '../../setup/machine.ts';
import {pairFiles, type NewFile} from '../../setup/pair-files.ts';
import {isOpen, questions, withAnswer, withoutWrong} from '../../setup/questions.ts';
import {startDaemon} from '../../setup/start.ts';
import {planPair, type PairPlan, type Choices} from '../../setup/choices.ts';
import {CliError, exit} from '../exit.ts';
import {shownText} from '../render/shown.ts';
import {inviteFrom} from './invite.ts';

export interface InitOptions {
  readonly peer?: string;
  readonly alone?: boolean;
  readonly vip?: string[];
  readonly service?: string[];
  readonly server?: string[];
  readonly method?: string;
  readonly gateway?: string;
  readonly device?: string[];
  readonly from?: string;
  readonly node?: string;
  readonly configDir: string;
  readonly replace?: boolean;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly start: boolean;
  readonly invite: boolean;
  readonly port: string;
  readonly address?: string;
}

const say = (text: string): void => void process.stdout.write(`${shownText(text)}\n`);
const list = (lines: readonly string[]): string => lines.map((line) => `  ${line}`).join('\n');
const asks = (): boolean => process.stdin.isTTY && process.stdout.isTTY;

async function ask(question: string): Promise<string> {
  const prompt = readline.createInterface({input: process.stdin, output: process.stdout});
  try {
    return await prompt.question(question);
  } finally {
    prompt.close();
  }
}

/** Asks until the plan is valid; without a terminal all wrong or missing options are reported at once. */
async function planFrom(options: InitOptions, node: string): Promise<PairPlan> {
  const machine = localAddresses();
  const {peer, alone, method, gateway} = options;
  let choices: Choices = {
    node,
    ...(alone ? {peer: ''} : peer === undefined ? {} : {peer}),
    vips: options.vip ?? [],
    services: options.service ?? [],
    servers: options.server ?? [],
    ...(method === undefined ? {} : {method}),
    ...(gateway === undefined ? {} : {gateway}),
    devices: options.device ?? [],
  };
  for (;;) {
    if (asks() && !options.yes)
      for (const question of questions) {
        if (!isOpen(question, choices)) continue;
        const fallback = question.fallback === undefined ? '' : ` [${question.fallback}]`;
        // oxlint-disable-next-line no-await-in-loop -- one question after another.
        choices = withAnswer(choices, question, await ask(`${question.text}${fallback}: `));
      }
    const plan = planPair(choices, machine);
    if (plan.ok) return plan.value;
    const text = list(plan.fault.map((problem) => `${problem.option}: ${problem.text}`));
    const again = asks() && !options.yes ? withoutWrong(choices, plan.fault) : undefined;
    if (!again)
      throw new CliError(
        exit.config,
        `the pair cannot be written; nothing was changed:\n${text}`,
        'hactl init --help',
      );
    say(text);
    choices = again;
  }
}

/** heartbeat's and ldirectord's own files, repaired. */
async function fromDirectory(directory: string, node: string): Promise<NewFile[]> {
  const {cluster, sources, diagnostics, texts, loaded} = await checkDirectory(directory, node);
  if (!loaded || !cluster) throw notUsable(texts);
  return filesOf(cluster).flatMap((file): NewFile[] => {
    const name = path.relative(directory, file);
    const {text, mode} = readConfigFile(file);
    if (text === undefined || !isSharedName(name)) return [];
    const ofFile = diagnostics.filter(({span}) => span.file === file);
    return [{name, text: applyFixes(sources.get(file)?.text ?? text, ofFile), mode}];
  });
}

async function fromFile(file: string, node: string, options: InitOptions): Promise<NewFile[]> {
  const text = readText(file);
  if (text === undefined) throw new CliError(exit.config, `cannot read ${file}`, `ls -l ${file}`);
  const secret = randomBytes(32).toString('hex');
  const {peer} = options;
  const result = await importSource(
    {path: file, text},
    {node, installDir: options.configDir, ...(peer === undefined ? {} : {peer})},
    secret,
  );
  for (const diagnostic of result.diagnostics) say(`${renderDiagnostic(diagnostic, result.sources)}\n`);
  if (result.diagnostics.some(({severity}) => severity === 'error'))
    throw new CliError(
      exit.config,
      `${file} cannot be taken over; nothing was changed`,
      `hactl import ${file}`,
    );
  say(
    `read as ${result.kind satisfies ImportKind | undefined}; hactl import ${file} lists what became of each statement\n`,
  );
  return result.files.map(({name, text: made, mode}) => ({name, text: made, mode}));
}

const notUsable = (texts: readonly string[]): CliError =>
  new CliError(
    exit.config,
    `${texts.join('\n\n')}\n\nThe files have errors; nothing was changed.`,
    'the remedy that stands with each error, then hactl init again',
  );

function show(configDir: string, files: readonly NewFile[]): void {
  for (const {name, text} of files) {
    const redact = name === 'authkeys' ? redactKeyLine : redactLine;
    const lines = text.trimEnd().split('\n');
    say(`--- ${path.join(configDir, name)}\n${lines.map((line) => redact(line)).join('\n')}\n`);
  }
}

async function agreed(options: InitOptions, what: string): Promise<boolean> {
  if (options.yes) return true;
  if (!asks()) return false;
  return /^(y|yes|)$/i.test((await ask(`${what} [Y/n] `)).trim());
}

/** Exit status 0: written (and running); 1: not, or the second director did not join; 2: invalid input. */
export async function init(options: InitOptions): Promise<number> {
  const {configDir} = options;
  const node = (options.node ?? os.hostname()).toLowerCase();
  const from = options.from === undefined ? undefined : path.resolve(options.from);
  const isOwn = from === path.resolve(configDir);
  if (!isRoot() && options.dryRun !== true && options.start)
    throw new CliError(exit.failed, 'it takes root to set up a director', 'sudo hactl init');
  const found = isOwn ? [] : existing(configDir);
  if (found.length > 0 && !options.replace && !options.dryRun)
    throw new CliError(
      exit.failed,
      `there is a configuration already: ${found.join(', ')}; nothing was changed`,
      'hactl check-config judges it; hactl invite lets a second director in; hactl init --replace puts another one in its place (FILE.orig is kept)',
    );
  const files =
    from === undefined
      ? pairFiles(await planFrom(options, node), randomBytes(32).toString('hex'))
      : statSync(from, {throwIfNoEntry: false})?.isDirectory()
        ? await fromDirectory(from, node)
        : await fromFile(from, node, options);
  show(configDir, files);
  const outcome: LoadOutcome = await checkDirectory(configDir, node, files);
  if (!outcome.loaded) throw notUsable(outcome.texts);
  for (const text of outcome.texts) say(`${text}\n`);
  say('The files are usable.');
  if (options.dryRun) return exit.ok;
  const what = options.start ? 'Write these files and start hactld?' : 'Write these files?';
  if (!(await agreed(options, what))) {
    say('Nothing was written. hactl init --yes writes without asking.');
    return exit.failed;
  }
  for (const file of write(configDir, files)) say(`kept: ${file}`);
  say(`written: ${files.map(({name}) => path.join(configDir, name)).join(', ')}`);
  if (options.start) {
    const started = await startDaemon({print: say});
    if (!started.ok) throw new CliError(exit.failed, started.text, 'hactl doctor');
    say(started.text);
  }
  const peers = outcome.cluster?.ha?.nodes.filter(({name}) => name !== node) ?? [];
  if (peers.length === 0 || !options.invite) {
    say('next: hactl doctor looks at this machine; hactl realserver plan says what the real servers need');
    return exit.ok;
  }
  return inviteFrom({...options, node});
}
