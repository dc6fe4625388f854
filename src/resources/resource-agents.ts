/**
 * The programs of resources that are not built in, with their four calling conventions: heartbeat's resource.d scripts, init
 * scripts, OCF agents, systemd units.
 */
import {existsSync, mkdirSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {programEnvironment, runLimited, type RunOutcome} from '@hactl/base/run';
import {isOcf, type Resource} from '@hactl/config';
import {builtinKinds, makeBuiltin, type BuiltinOptions} from './resource-builtin.ts';
import type {Operation, Outcome} from './resource-machine.ts';
import {resourceKind} from './resources.ts';
import {isExecutable} from '../system/shell.ts';

/** Performs the operations of one resource. */
export type Agent = (operation: Operation, limit: number) => Promise<Outcome>;

export interface AgentPlaces {
  readonly configDir: string;
  /** Overridden by tests; the standard paths otherwise. */
  readonly initDir?: string;
  readonly ocfRoot?: string;
  readonly systemctl?: string;
  readonly unitDirs?: readonly string[];
}

export type AgentOptions = AgentPlaces & BuiltinOptions;

const INIT_DIR = '/etc/init.d';
const OCF_ROOT = '/usr/lib/ocf';
const OCF_TEMPORARY = '/run/resource-agents';

/** heartbeat reads the output of `status`: "not running" is no, "running" or "OK" is yes, anything else is no. */
export function saysRunning(output: string): boolean {
  if (/not running/i.test(output)) return false;
  return /running|\bok\b/i.test(output);
}

const fine: Outcome = {ok: true};

/** A status that exits with 0 but prints "not running": report only its output. */
function how({status, output, timedOut}: RunOutcome, limit: number): string {
  const end = timedOut
    ? `not done within ${limit} ms`
    : typeof status === 'number'
      ? `exit status ${status}`
      : status;
  if (output === '') return end;
  return status === 0 && !timedOut ? output : `${end}: ${output}`;
}

const judge = (ok: boolean, run: RunOutcome, limit: number, running = false): Outcome =>
  ok && !run.timedOut ? fine : {ok: false, running, reason: how(run, limit)};

/** Where Debian's agents and scripts keep their state; heartbeat creates it at its start, and so must we. */
function makeTemporary(): void {
  try {
    mkdirSync(OCF_TEMPORARY, {recursive: true, mode: 0o1755});
  } catch {
    // Not root, or /run is read-only: scripts that need it will report it.
  }
}

/** What an agent starts keeps running when we exit. */
const agentEnvironment = (): NodeJS.ProcessEnv => programEnvironment({}, {leave: true});

/** heartbeat's own scripts: the output of `status` counts, its exit status does not. */
const script =
  (file: string, args: readonly string[]): Agent =>
  async (operation, limit) => {
    makeTemporary();
    const run = await runLimited(file, [...args, operation], {limit, env: agentEnvironment()});
    return judge(operation === 'status' ? saysRunning(run.output) : run.status === 0, run, limit);
  };

/** An init script's `status` exits with 0 if it runs, and with 1 to 3 if not (LSB); older ones print it, as for heartbeat. */
const initScript =
  (file: string, args: readonly string[]): Agent =>
  async (operation, limit) => {
    const run = await runLimited(file, [...args, operation], {limit, env: agentEnvironment()});
    if (operation !== 'status') return judge(run.status === 0, run, limit);
    const denied = /not running|\bstopped\b|\bdead\b/i.test(run.output);
    const known = typeof run.status === 'number' && run.status >= 0 && run.status <= 3;
    return judge(known ? run.status === 0 && !denied : saysRunning(run.output), run, limit);
  };

/** Exit statuses of the OCF resource agent API. */
const ocf = {
  success: 0,
  notRunning: 7,
  runningPromoted: 8,
  names: {
    1: 'generic error',
    2: 'wrong arguments',
    3: 'action not implemented',
    4: 'no permission',
    5: 'a required component is not installed',
    6: 'wrong configuration',
    7: 'not running',
    8: 'running as promoted',
    9: 'failed as promoted',
  } as Readonly<Record<number, string>>,
};

interface OcfAgent {
  readonly provider: string;
  readonly type: string;
  readonly instance: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The lines `NAME=VALUE` of heartbeat's conf/OCF/TYPE/INSTANCE; quotes around a value are the shell's. */
function readParameters(file: string): Record<string, string> {
  const parameters: Record<string, string> = {};
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [, name, value = ''] = /^\s*(?:export\s+)?([A-Za-z_]\w*)=(.*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const quoted = /^(["'])(.*?)\1/.exec(value.trim());
    parameters[name.replace(/^OCF_RESKEY_/, '')] = quoted
      ? (quoted[2] ?? '')
      : value.replace(/#.*$/, '').trim();
  }
  return parameters;
}

/** `OCF::TYPE::INSTANCE` has its parameters in a file, `ocf:PROVIDER:TYPE::NAME=VALUE…` on the line. */
function ocfAgent({type, args}: Resource, configDir: string): OcfAgent {
  if (type === 'OCF') {
    const [name = '', instance = ''] = args;
    const parameters = readParameters(path.join(configDir, 'conf/OCF', name, instance));
    return {provider: 'heartbeat', type: name, instance, parameters};
  }
  const [, provider = '', name = ''] = type.split(':');
  const parameters = Object.fromEntries(
    args.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]),
  );
  // The same instance name whatever the order of its parameters: agents name their state files after it.
  const instance = [name, ...Object.values(parameters)].join('_').replaceAll(/[^\w.-]+/g, '_');
  return {provider, type: name, instance, parameters};
}

const ocfFile = (root: string, {provider, type}: OcfAgent): string =>
  path.join(root, 'resource.d', provider, type);

/** An agent's environment: the API version, its instance name, its parameters, and the timeout. */
function ocfEnvironment(root: string, agent: OcfAgent, limit: number): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C',
    OCF_ROOT: root,
    OCF_RA_VERSION_MAJOR: '1',
    OCF_RA_VERSION_MINOR: '1',
    OCF_RESOURCE_PROVIDER: agent.provider,
    OCF_RESOURCE_TYPE: agent.type,
    OCF_RESOURCE_INSTANCE: agent.instance,
    OCF_RESKEY_CRM_meta_timeout: String(limit),
    ...Object.fromEntries(
      Object.entries(agent.parameters).map(([name, value]) => [`OCF_RESKEY_${name}`, value]),
    ),
  };
}

const ocfCalls =
  (root: string, read: () => OcfAgent): Agent =>
  async (operation, limit) => {
    makeTemporary();
    const agent = read();
    const action = operation === 'status' ? 'monitor' : operation;
    const run = await runLimited(ocfFile(root, agent), [action], {
      limit,
      env: ocfEnvironment(root, agent, limit),
    });
    const {status} = run;
    const ok = status === ocf.success || (operation === 'status' && status === ocf.runningPromoted);
    const meaning = typeof status === 'number' ? ocf.names[status] : undefined;
    const outcome = meaning === undefined ? run : {...run, output: `${meaning} ${run.output}`.trim()};
    return judge(ok, outcome, limit, operation === 'status' && status !== ocf.notRunning);
  };

/** An activating unit counts as running; `is-active` prints the state, which says more than its exit status. */
const systemdUnit =
  (systemctl: string, unit: string): Agent =>
  async (operation, limit) => {
    const action = operation === 'status' ? 'is-active' : operation;
    const run = await runLimited(systemctl, [action, unit], {limit, env: agentEnvironment()});
    const state = run.output.split('\n')[0] ?? '';
    return judge(
      operation === 'status' ? /^(active|activating|reloading)$/.test(state) : run.status === 0,
      run,
      limit,
    );
  };

/** Finds the agent of a resource, or returns what is missing. */
export const findAgent = (resource: Resource, options: AgentOptions): Agent | string =>
  builtinKinds.has(resource.type) ? makeBuiltin(resource, options) : findProgram(resource, options);

function findProgram(resource: Resource, places: AgentPlaces): Agent | string {
  const {configDir, initDir = INIT_DIR, ocfRoot = OCF_ROOT, systemctl = 'systemctl'} = places;
  const {type, args} = resource;
  if (type === 'systemd') {
    return systemdUnit(systemctl, unitOf(resource));
  }
  if (type === 'OCF' || isOcf(type)) {
    try {
      const file = ocfFile(ocfRoot, ocfAgent(resource, configDir));
      return isExecutable(file)
        ? ocfCalls(ocfRoot, () => ocfAgent(resource, configDir))
        : `there is no OCF agent ${file}`;
    } catch (error) {
      return `no parameters of OCF::${args.join('::')}: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
  const resourceScript = path.join(configDir, 'resource.d', type);
  if (isExecutable(resourceScript)) return script(resourceScript, args);
  const init = path.join(initDir, type);
  if (isExecutable(init)) return initScript(init, args);
  const missing = `resource script ${type} is neither in ${configDir}/resource.d nor in ${initDir}`;
  const unit = unitMeant(type);
  return unit === undefined ? missing : `${missing}: write systemd::${unit} for the unit`;
}

const unitOf = ({args: [unit = '']}: Resource): string => (unit.includes('.') ? unit : `${unit}.service`);

/** Where systemd looks for units, those of generators included. */
const UNIT_DIRS: readonly string[] = [
  ...['/etc', '/run', '/usr/local/lib', '/usr/lib', '/lib'].map((top) => `${top}/systemd/system`),
  ...['transient', 'generator', 'generator.early', 'generator.late'].map((name) => `/run/systemd/${name}`),
];

/** A unit that none of the directories has, neither itself nor as an instance of a template. */
function missingUnit(unit: string, dirs: readonly string[]): string | undefined {
  const names = [unit, unit.replace(/@[^@]*(?=\.[^.]+$)/, '@')];
  const isThere = dirs.some((dir) => names.some((name) => existsSync(path.join(dir, name))));
  return isThere ? undefined : `there is no unit ${unit} in ${dirs[0]} or the other directories of systemd`;
}

/** The unit of a name as pacemaker and systemctl write it. */
function unitMeant(type: string): string | undefined {
  const [, prefix, unit = '', suffix] =
    /^(systemd:|service:)?([\w@-][\w.@-]*?)(\.(?:service|socket|target|timer|mount|path))?$/.exec(type) ?? [];
  return prefix === undefined && suffix === undefined ? undefined : `${unit}${suffix ?? '.service'}`;
}

/** What a resource lacks on this machine: reported when the file is loaded, not at takeover time. */
export function missingAgent(resource: Resource, places: AgentPlaces): string | undefined {
  if (resourceKind(resource) !== 'script' || builtinKinds.has(resource.type)) return undefined;
  if (resource.type === 'systemd') return missingUnit(unitOf(resource), places.unitDirs ?? UNIT_DIRS);
  const found = findProgram(resource, places);
  return typeof found === 'string' ? found : undefined;
}

/** The program of a resource; undefined: none (built in, a unit, or missing). */
export function programOf(resource: Resource, places: AgentPlaces): string | undefined {
  const {configDir, initDir = INIT_DIR, ocfRoot = OCF_ROOT} = places;
  const {type} = resource;
  if (resourceKind(resource) !== 'script' || builtinKinds.has(type) || type === 'systemd') return undefined;
  if (type === 'OCF' || isOcf(type)) {
    try {
      return ocfFile(ocfRoot, ocfAgent(resource, configDir));
    } catch {
      return undefined;
    }
  }
  return [path.join(configDir, 'resource.d', type), path.join(initDir, type)].find(isExecutable);
}
