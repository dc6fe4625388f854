/** `hactl drill`: the drills that are safe on a running pair, after a confirmation and only if the pair is healthy. */
import path from 'node:path';
import {createInterface} from 'node:readline/promises';
import {ask} from '../../control/client.ts';
import type {MoveOutcome, StatusSnapshot} from '../../control/protocol.ts';
import {unhealthy} from '../../drill/health.ts';
import {safeDrills, type SafeDrill} from '../../drill/pair.ts';
import type {DrillReport, EventResult} from '../../drill/report.ts';
import {keepReport, keptReports, readReport} from '../../drill/store.ts';
import {ASK_LIMIT_MS, PAIR_HEALTH_LIMIT_MS, PAIR_READY_LIMIT_MS} from '../../system/limits.ts';
import {defaultPaths} from '../../system/paths.ts';
import {CliError, exit} from '../exit.ts';
import {renderReport} from '../render/drill-table.ts';
import {jsonText, shownLine} from '../render/shown.ts';
import {table} from '../render/table.ts';
import {moveGroups, moveText} from './move.ts';

const LOOK_EVERY = 200;

const folder = (): string => path.join(defaultPaths.stateDir, 'drills');

const look = (socket: string): Promise<StatusSnapshot> => ask(socket, {command: 'status'}, ASK_LIMIT_MS);

/** Waits until this director may take its groups back: it has just given them away and must be in sync again. */
async function readyAgain(socket: string): Promise<void> {
  const end = performance.now() + PAIR_READY_LIMIT_MS;
  // oxlint-disable no-await-in-loop -- this loop is the waiting.
  while (!(await look(socket)).ready.ready && performance.now() < end)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
  // oxlint-enable no-await-in-loop
}

/** The first status without a complaint, or the last one at the time limit. */
async function settled(socket: string, first: StatusSnapshot): Promise<StatusSnapshot> {
  const end = performance.now() + PAIR_HEALTH_LIMIT_MS;
  let snapshot = first;
  while (unhealthy(snapshot).length > 0 && performance.now() < end) {
    // oxlint-disable no-await-in-loop -- this loop is the waiting.
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
    snapshot = await look(socket);
    // oxlint-enable no-await-in-loop
  }
  return snapshot;
}

/** Asks for confirmation on a terminal; elsewhere --yes is required. */
async function confirmed(drill: SafeDrill, peers: string): Promise<void> {
  const what = `This gives every group to ${peers} and takes them back, on the running pair`;
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new CliError(exit.config, `${what}: type hactl drill run ${drill.name} --yes`);
  const terminal = createInterface({input: process.stdin, output: process.stdout});
  const answer = await terminal.question(`${what}. Continue? [y/N] `);
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError(exit.failed, 'nothing was done');
}

type Step = {readonly move: string; readonly from: number; readonly took: number} & MoveOutcome;

/** The moves in sequence; stops at the first that fails. */
async function play(
  socket: string,
  drill: SafeDrill,
  began: number,
  say: (text: string) => void,
): Promise<Step[]> {
  const steps: Step[] = [];
  for (const kind of drill.moves) {
    // oxlint-disable no-await-in-loop -- there, and back.
    if (steps.length > 0) await readyAgain(socket);
    const from = Date.now();
    const outcome = await moveGroups(socket, kind, 'all');
    // oxlint-enable no-await-in-loop
    steps.push({move: kind, from: from - began, took: Date.now() - from, ...outcome});
    say(moveText(kind, 'all', outcome));
    if (!outcome.ok) break;
  }
  return steps;
}

const eventOf = ({move, from, took, ok, reason, overlap}: Step): EventResult => ({
  event: `hactl ${move}`,
  from,
  to: from + took,
  outage: 0,
  requests: 0,
  lost: 0,
  streams: 0,
  broken: 0,
  both: overlap ?? 0,
  neither: 0,
  note: `took ${took} ms${ok ? '' : `: ${reason}`}`,
  failures: ok ? [] : [reason],
});

/** `hactl drill run [NAME]`. Exit status 1: the pair is not healthy and nothing was done, or a step was not done. */
export async function runDrill(
  socket: string,
  name: string,
  options: {readonly json?: boolean; readonly yes?: boolean},
): Promise<number> {
  const drill = safeDrills.find((safeDrill) => safeDrill.name === name);
  if (!drill)
    throw new CliError(
      exit.config,
      `no drill for a running pair is called ${name}: hactl drill list; what breaks something runs in a lab (npm run drill)`,
    );
  const first = await look(socket);
  if (!first.engine)
    throw new CliError(exit.failed, 'this director has no ha.cf: there is no peer to drill with');
  const before = await settled(socket, first);
  const reasons = unhealthy(before);
  const say = (text: string): void => {
    if (!options.json) process.stdout.write(text);
  };
  if (reasons.length > 0) {
    if (options.json)
      process.stdout.write(jsonText({version: 1, ok: false, unhealthy: reasons, steps: []}) + '\n');
    else
      process.stderr.write(
        [
          'the pair is not healthy, nothing was done:',
          ...reasons.map((reason) => `  ${shownLine(reason)}`),
          '',
        ].join('\n'),
      );
    return exit.failed;
  }
  if (drill.moves.length > 0 && !options.yes)
    await confirmed(drill, first.engine.peers.map((peer) => peer.name).join(', '));
  const began = Date.now();
  const steps = await play(socket, drill, began, say);
  const ok = steps.length === drill.moves.length && steps.every((step) => step.ok);
  if (drill.moves.length === 0) say('the pair is healthy: a drill may begin\n');
  else keep(reportOf(before, began, steps, ok), say);
  if (options.json) {
    const shown = steps.map(({move, ok: done, reason, overlap}) => ({
      move,
      ok: done,
      reason,
      ...(overlap === undefined ? {} : {overlap}),
    }));
    process.stdout.write(jsonText({version: 1, ok, unhealthy: [], steps: shown}) + '\n');
  }
  return ok ? exit.ok : exit.failed;
}

const reportOf = (
  {node, engine}: StatusSnapshot,
  began: number,
  steps: readonly Step[],
  passed: boolean,
): DrillReport => ({
  version: 1,
  site: 'pair',
  began: new Date(began).toISOString(),
  length: Date.now() - began,
  passed,
  settings: {node, peers: engine?.peers.map(({name}) => name).join(' ') ?? ''},
  events: steps.map(eventOf),
  holders: [],
  roles: [],
  connections: [],
  requests: [],
});

/** A report that cannot be saved does not make the drill fail. */
function keep(report: DrillReport, say: (text: string) => void): void {
  try {
    say(`report: ${keepReport(folder(), report).html}\n`);
  } catch (error) {
    process.stderr.write(
      `hactl: the report could not be saved: ${error instanceof Error ? error.message : String(error)}\n`,
    );
  }
}

/** `hactl drill list`. */
export function listDrills(options: {readonly json?: boolean}): Promise<number> {
  const drills = safeDrills.map(({name, summary, moves}) => ({name, summary, moves: [...moves]}));
  const rows = drills.map(({name, summary}) => [name, summary]);
  process.stdout.write(options.json ? jsonText({version: 1, drills}) + '\n' : `${table(rows).join('\n')}\n`);
  return Promise.resolve(exit.ok);
}

/** `hactl drill report [NAME]`: lists the saved reports, or prints one as a table. */
export function showReport(name: string | undefined, options: {readonly json?: boolean}): Promise<number> {
  const names = keptReports(folder());
  const wanted = name === 'last' ? names.at(-1) : name;
  if (name !== undefined) {
    const report = wanted === undefined ? undefined : readReport(folder(), wanted);
    if (!report)
      throw new CliError(exit.failed, `no report ${name} in ${folder()}: hactl drill report lists them`);
    process.stdout.write(
      options.json
        ? jsonText(report) + '\n'
        : `${report.began}: ${report.passed ? 'passed' : 'FAILED'}\n${renderReport(report.events)}\n`,
    );
    return Promise.resolve(exit.ok);
  }
  const reports = names.flatMap((name) => {
    const report = readReport(folder(), name);
    return report ? [{name: name, site: report.site, began: report.began, passed: report.passed}] : [];
  });
  if (options.json) process.stdout.write(jsonText({version: 1, reports}) + '\n');
  else
    for (const line of table(
      reports.map((report) => [report.name, report.site, report.passed ? 'passed' : 'FAILED']),
    ))
      process.stdout.write(`${line}\n`);
  return Promise.resolve(exit.ok);
}
