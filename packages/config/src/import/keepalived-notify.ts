/** Converts notify scripts of keepalived.conf to a heartbeat resource script. Pure. */
import {quoteStatement, type Block} from './keepalived-block.ts';
import type {Statement} from './keepalived-lines.ts';
import type {VrrpTools} from './keepalived-tools.ts';
import {commandText} from './keepalived-words.ts';
import {hookScript} from './role-script.ts';
import {fileWord, freshName, shellWord} from './words.ts';

/** Writes one resource script for all notify scripts of a block. Returns its name; undefined: there are none. */
export function convertNotify(
  block: Block,
  name: string,
  type: 'INSTANCE' | 'GROUP',
  tools: VrrpTools,
  priority = 0,
): string | undefined {
  const {notes, scripts} = tools;
  const [master, backup, any] = ['notify_master', 'notify_backup', 'notify'].map((key) => block.first(key));
  if (!master && !backup && !any) return undefined;
  // A quoted text is a command with arguments; words after it are user and group.
  const command = (line: Statement | undefined): string | undefined => line && commandText(line.text);
  const general = (state: string): string[] => {
    const program = command(any);
    return program === undefined ? [] : [`${program} ${type} ${shellWord(name)} ${state} ${priority}`];
  };
  const [start, stop] = [
    [...[command(master) ?? []].flat(), ...general('MASTER')],
    [...[command(backup) ?? []].flat(), ...general('BACKUP')],
  ];
  const file = freshName(scripts, `resource.d/notify-${fileWord(name)}`).replace('resource.d/', '');
  scripts.push({
    name: `resource.d/${file}`,
    text: hookScript(
      `keepalived.conf, ${type === 'GROUP' ? 'vrrp_sync_group' : 'vrrp_instance'} ${fileWord(name)}`,
      start,
      stop,
    ),
  });
  for (const line of [master, backup, any])
    if (line)
      notes.approximated(
        line.span,
        quoteStatement(line),
        `haresources: ${file}, a script in resource.d: run ${line === backup ? 'when the group stops' : line === master ? 'when the group starts' : 'when the group starts and when it stops'}, as root; its exit status is ignored, as in keepalived; not run at a start as backup`,
      );
  return file;
}
