/**
 * ha.cf is the same on both directors apart from some lines: the peer's address, which hosts to ping, which interfaces
 * to track, whether pushes are accepted. A file from the peer keeps the receiver's own lines. Pure.
 */

/** heartbeat's local directives, and ours. */
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

/** The sender's text with the receiver's local lines in place of the sender's, or at the end. */
export function withLocalLines(sent: string, local: string): string {
  const lines = sent.split('\n');
  const mine = local.split('\n').filter(isLocal);
  const last = lines.findLastIndex(isLocal);
  const index = last === -1 ? lines.length - (lines.at(-1) === '' ? 1 : 0) : last + 1;
  const kept = (part: readonly string[]): string[] => part.filter((line) => !isLocal(line));
  return [...kept(lines.slice(0, index)), ...mine, ...kept(lines.slice(index))].join('\n');
}
