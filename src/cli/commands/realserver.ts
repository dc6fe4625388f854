import {isIP} from 'node:net';
import {InvalidArgumentError, Option, type Command} from 'commander';
import {persistForms, type Persist} from '../../host/realserver/persist-forms.ts';
import type {Persistent} from '../../host/realserver/persist.ts';
import type {Form, Method, RealPlan, Step, Goal} from '../../host/realserver/realserver-plan.ts';
import {stateFile} from '../../host/realserver/realserver-undo.ts';
import {defaultPaths} from '../../system/paths.ts';
import {CliError, exit} from '../exit.ts';
import type {VerifyOptions} from './verify.ts';
import {jsonText} from '../render/shown.ts';

interface Options {
  readonly vip?: string[];
  readonly method: Method;
  readonly form: Form;
  readonly device?: string;
  readonly gateway?: string;
  readonly persist?: Persist;
  readonly stateDir: string;
  readonly json?: boolean;
}

const address = (text: string, before: string[] = []): string[] => {
  if (isIP(text) === 0) throw new InvalidArgumentError('It is not an address.');
  return [...before, text];
};

/** In the kernel's spelling: `2001:DB8::0:1` is `2001:db8::1`. */
const canonical = (text: string): string =>
  isIP(text) === 6 ? new URL(`http://[${text}]`).hostname.slice(1, -1) : text;

const goalOf = (options: Options): Goal => {
  const {method, form, device, gateway} = options;
  const vip = options.vip?.map(canonical);
  if (!vip) throw new CliError(exit.config, 'say --vip ADDRESS, once for each virtual address');
  return {
    vips: [...new Set(vip)],
    method,
    form,
    ...(device === undefined ? {} : {device}),
    ...(gateway === undefined ? {} : {gateway}),
  };
};

const print = (lines: readonly string[]): void => void process.stdout.write(lines.join('\n') + '\n');

/** `hactl realserver plan` and `apply`. Exit status 0: complete (after apply), 1: something is missing. */
async function planOrApply(apply: boolean, options: Options): Promise<number> {
  // Loaded only here: other commands do not need netlink.
  const [{readFacts}, {applySteps}, {commandOf, facing, planReal}, {persistReal}] = await Promise.all([
    import('../../host/realserver/realserver-driver.ts'),
    import('../../host/realserver/realserver-apply.ts'),
    import('../../host/realserver/realserver-plan.ts'),
    import('../../host/realserver/persist.ts'),
  ]);
  const goal = goalOf(options);
  const facts = readFacts(goal);
  // On Windows this machine's settings do not matter.
  const elsewhere = options.persist === 'windows';
  const plan = elsewhere ? {steps: [], notes: [], faults: []} : planReal(goal, facts);
  const device = facing(goal, facts) ?? 'eth0';
  const source =
    facts.addresses.find((address) => address.device === device && address.family === 4)?.address ??
    'ADDRESS';
  const persistent: Persistent | undefined =
    options.persist === undefined ? undefined : persistReal(goal, options.persist, {device, own: source});
  const missing = plan.steps.filter(({done}) => !done);
  if (plan.faults.length > 0 || !apply || elsewhere) {
    if (options.json) print([jsonText({version: 1, ...plan, ...(persistent ? {persistent} : {})}, 2)]);
    else print([...planLines(plan, commandOf), ...(persistent ? persistentLines(persistent) : [])]);
    return plan.faults.length === 0 && missing.length === 0 ? exit.ok : exit.failed;
  }
  const file = stateFile(options.stateDir);
  const {done, wanted, problem} = applySteps(file, missing, persistent?.files);
  if (problem !== undefined)
    throw new CliError(
      exit.failed,
      `${problem}\n${done.length} of ${wanted} steps are done; hactl realserver undo takes them back`,
    );
  if (options.json) print([jsonText({version: 1, done, notes: plan.notes, state: file}, 2)]);
  else
    print([
      ...(done.length === 0 ? ['nothing to do: everything is there'] : done),
      ...plan.notes.map((note) => `note: ${note}`),
      ...(persistent?.after ?? []).map((text) => `still to do: ${text}`),
      ...(done.length === 0 ? [] : [`what was before is in ${file}: hactl realserver undo`]),
    ]);
  return exit.ok;
}

function planLines(plan: RealPlan, commandOf: (step: Step) => string): string[] {
  return [
    ...plan.faults.map((fault) => `cannot: ${fault}`),
    ...plan.notes.map((note) => `note: ${note}`),
    ...plan.steps.flatMap((step) => [
      `# ${step.why}${step.done ? ' (is so already)' : ''}`,
      step.done ? `# ${commandOf(step).replaceAll('\n', '\n# ')}` : commandOf(step),
    ]),
  ];
}

const persistentLines = ({files, after}: Persistent): string[] => [
  ...files.flatMap(({path: name, mode, text}) => [
    '',
    `### ${name} (mode ${mode.toString(8)})`,
    text.trimEnd(),
  ]),
  ...(after.length === 0 ? [] : ['', ...after.map((text) => `# then: ${text}`)]),
];

/** `hactl realserver undo`: for some addresses, or everything ever applied. */
async function undo(options: Pick<Options, 'vip' | 'stateDir' | 'json'>): Promise<number> {
  const {undoSteps} = await import('../../host/realserver/realserver-apply.ts');
  const outcome = undoSteps(stateFile(options.stateDir), options.vip?.map(canonical) ?? []);
  const {undone, stay, notes, problem} = outcome;
  if (options.json) print([jsonText({version: 1, ...outcome}, 2)]);
  else
    print([
      undone === 0 ? 'nothing to undo' : `${undone} steps undone`,
      ...notes.map((note) => `note: ${note}`),
      ...(stay === 0 ? [] : [`${stay} steps stay, for other addresses`]),
    ]);
  if (problem !== undefined) throw new CliError(exit.failed, `${problem}\nthe rest can be undone later`);
  return exit.ok;
}

const methodOption = (): Option =>
  new Option('--method <method>', 'how the director forwards')
    .choices(['gate', 'ipip', 'masq'])
    .default('gate');

/** Adds `hactl realserver …`; `done` takes the exit status. */
export function addRealserver(program: Command, done: (work: Promise<number>) => Promise<void>): void {
  const realserver = program
    .command('realserver')
    .description('what real servers need: see it, do it, take it back; or find from here which lack it');
  const common = (command: Command): Command =>
    command
      .option('--vip <address>', 'a virtual address; may be given again', address)
      .option('--state-dir <dir>', 'where it is kept what was before', defaultPaths.stateDir)
      .option('--json', 'the outcome as JSON');
  for (const [name, text] of [
    ['plan', 'print what this machine lacks to be a real server, as commands; changes nothing'],
    ['apply', 'do it; what was before is remembered'],
  ] as const)
    common(realserver.command(name).description(text))
      .addOption(methodOption())
      .addOption(
        new Option('--form <form>', 'what keeps it from answering ARP for the VIP')
          .choices(['arp_ignore', 'arptables', 'nft'])
          .default('arp_ignore'),
      )
      .option('--device <name>', 'the interface that faces the directors (default: found by its addresses)')
      .option('--gateway <address>', "masq: the directors' address on this side")
      .addOption(new Option('--persist <tool>', 'files for the next boot too').choices(persistForms))
      .action((options: Options) => done(planOrApply(name === 'apply', options)));
  common(realserver.command('undo').description('take back what apply did; without --vip all of it')).action(
    (options: Options) => done(undo(options)),
  );
  realserver
    .command('verify')
    .description('on a director: who answers ARP for the VIP, lacks it, or answers past the director')
    .option('--config-dir <dir>', 'whose real servers are looked at', defaultPaths.configDir)
    .option('--vip <address>', 'with --real in place of the files; may be given again', address)
    .option('--real <address>', 'a real server; may be given again', address)
    .addOption(methodOption())
    .option('--port <port>', 'with --vip: a TCP port to try where echo is not answered', '0')
    .option('--wait <ms>', 'how long answers are awaited, three times', '600')
    .option('--json', 'the findings as JSON')
    .action(async (options: VerifyOptions) => done((await import('./verify.ts')).verify(options)));
}
