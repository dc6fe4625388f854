import type {ResourceStatus} from '../../control/protocol.ts';
import {ask} from '../../control/client.ts';
import {exit} from '../exit.ts';
import {paintFor} from '../render/paint.ts';
import {duration, table} from '../render/table.ts';
import {jsonText, shown, shownLine} from '../render/shown.ts';
import {RESOURCE_LIMIT_MS, RESOURCE_STATUS_LIMIT_MS} from '../../system/limits.ts';

/** One line for each, under its group. */
export function resourceLines(given: readonly ResourceStatus[]): string[] {
  const all = shown(given);
  const rows = all.map((resource) => [
    `  ${resource.name}`,
    resource.warm ? 'warm' : 'cold',
    resource.state,
    resource.age === undefined ? '' : duration(resource.age),
    resource.restarts ? `${resource.restarts} restarts` : '',
    resource.reason,
  ]);
  const lines = table(rows, [3]);
  return lines.flatMap((line, index) => {
    const resource = all[index];
    const first = all[index - 1]?.group !== resource?.group;
    return first
      ? [`group ${resource?.group} (${resource?.active ? 'active here' : 'not here'})`, line]
      : [line];
  });
}

/** `hactl resource [list]`. */
export async function listResources(socket: string, options: {json?: boolean}): Promise<number> {
  const all = await ask(socket, {command: 'resource', action: 'list'}, RESOURCE_STATUS_LIMIT_MS);
  if (options.json) process.stdout.write(jsonText({version: 1, resources: all}) + '\n');
  else if (all.length === 0) process.stdout.write('no resources: there is no haresources here\n');
  else {
    const paint = paintFor(process.stdout);
    for (const line of resourceLines(all))
      process.stdout.write(`${/ failed /.test(line) ? paint.bad(line) : line}\n`);
  }
  return all.some(({state}) => state === 'failed') ? exit.failed : exit.ok;
}

/** `hactl resource status|start|stop NAME`: waits for the end, and reports the result. */
export async function operateResource(
  socket: string,
  action: 'status' | 'start' | 'stop',
  name: string,
  options: {json?: boolean},
): Promise<number> {
  const limit = action === 'status' ? RESOURCE_STATUS_LIMIT_MS : RESOURCE_LIMIT_MS;
  const outcome = await ask(socket, {command: 'resource', action, name}, limit);
  if (options.json) process.stdout.write(jsonText({version: 1, ...outcome}) + '\n');
  else {
    const text =
      action === 'status' ? (outcome.ok ? 'running' : 'not running') : outcome.ok ? 'done' : 'NOT done';
    const reason = outcome.reason === '' ? '' : `: ${shownLine(outcome.reason)}`;
    process.stdout.write(
      `${action === 'status' ? '' : `${action} `}${shownLine(outcome.name)}: ${text}${reason}\n`,
    );
  }
  return outcome.ok ? exit.ok : exit.failed;
}
