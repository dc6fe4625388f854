/**
 * ha.cf is the same on both directors but for some lines: where the other one is, which hosts to ping, which interfaces
 * to watch, whether it may be told at all. A file that comes from the peer keeps the receiver's own. Pure.
 */

/** heartbeat's two, and what is of the same nature among ours. */
export const localDirectives: readonly string[] = [
  'ucast',
  'ucast6',
  'ping',
  'ping_group',
  'hactl_peer',
  'hactl_push',
  'hactl_track_interface',
];

const isLocal = (line: string): boolean =>
  localDirectives.includes((/^\s*(\S+)/.exec(line)?.[1] ?? '').toLowerCase());

/** The sender's text with the receiver's own lines where the sender's last ones were, or at the end. */
export function withLocalLines(sent: string, local: string): string {
  const lines = sent.split('\n');
  const mine = local.split('\n').filter(isLocal);
  const last = lines.findLastIndex(isLocal);
  const at = last === -1 ? lines.length - (lines.at(-1) === '' ? 1 : 0) : last + 1;
  const kept = (part: readonly string[]): string[] => part.filter((line) => !isLocal(line));
  return [...kept(lines.slice(0, at)), ...mine, ...kept(lines.slice(at))].join('\n');
}
