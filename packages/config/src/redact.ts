/** What in a configuration file is secret, and its lines without that, to be shown to people. Pure. */

const HIDDEN = '(secret)';

/**
 * What of a line is a secret: all that the group named `secret` holds. The kinds of lines are told apart by their words,
 * whatever the file is called; a line may stand behind `12 | `, as diagnostics in a log show it.
 */
export const secretPatterns: readonly RegExp[] = [
  // authkeys: NUMBER METHOD KEY
  /^(?:.*\| )?\s*\d+\s+(?:crc|md5|sha1|sha256)\s+(?<secret>\S.*)$/im,
  // ldirectord.cf, and what looks like it in any file
  /^(?:.*\| )?\s*(?:passwd|password|secret)\s*=\s*(?<secret>\S.*)$/im,
  // ha.cf: of a webhook everything behind its host
  /^(?:.*\| )?\s*hactl_webhook\s+https?:\/\/(?<secret>[^\s/@]+)@/im,
  /^(?:.*\| )?\s*hactl_webhook\s+https?:\/\/[^\s/]+\/(?<secret>\S+)/im,
  /^(?:.*\| )?\s*hactl_webhook\s+\S+\s+(?<secret>\S.*)$/im,
  // ha.cf: arguments of commands that often are passwords; of a fencing device what stands behind its type
  /^(?:.*\| )?\s*(?:hactl_fence|hactl_alert_command|stonith)\s+\S+\s+(?<secret>\S.*)$/im,
  /^(?:.*\| )?\s*(?:stonith_host|hactl_track_script)\s+\S+\s+\S+\s+(?<secret>\S.*)$/im,
];

/** `text` with `hide` in the place of every secret that a pattern finds; `found` is told each of them. */
export function hideSecrets(
  text: string,
  patterns: readonly RegExp[],
  hide: string,
  found: (secret: string) => void = () => undefined,
): string {
  let left = text;
  for (const pattern of patterns)
    left = left.replaceAll(new RegExp(pattern, `${pattern.flags}g`), (whole, ...rest: unknown[]) => {
      const {secret = ''} = rest.at(-1) as {secret?: string};
      if (secret === '' || secret.startsWith(hide)) return whole;
      found(secret);
      const at = whole.lastIndexOf(secret);
      return whole.slice(0, at) + hide + whole.slice(at + secret.length);
    });
  return left;
}

/** One line of one of our files. */
export const redactLine = (line: string): string => hideSecrets(line, secretPatterns, HIDDEN);
