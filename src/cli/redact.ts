/** Takes secrets out of configuration files, and then wherever else they stand. Works on files that no parser would take. Pure. */

export const REDACTED = '[redacted]';

/** Shorter values are taken out of the lines that hold them, but not looked for elsewhere: they would be everywhere. */
const SHORTEST = 4;
/** Parts of a value are words such as `root` too. */
const SHORTEST_PART = 8;

/**
 * What of a line is secret: everything that the group named `secret` holds. A line of a file may stand behind `12 | `, as
 * diagnostics in a log show it.
 */
const patterns: readonly RegExp[] = [
  // authkeys
  /^(?:.*\| )?\s*\d+\s+(?:crc|md5|sha1|sha256)\s+(?<secret>\S.*)$/im,
  // ldirectord.cf, and what looks like it in any file
  /^(?:.*\| )?\s*(?:passwd|password|secret)\s*=\s*(?<secret>\S.*)$/im,
  // A check's request may carry a token behind the question mark.
  /^(?:.*\| )?\s*request\s*=[^?\n]*\?(?<secret>[^"\s]+)/im,
  /^(?:.*\| )?\s*real6?\s*=[^?\n]*\?(?<secret>[^"\s]+)/im,
  // ha.cf: of a webhook everything behind its host; arguments of commands that often are passwords
  /^(?:.*\| )?\s*hactl_webhook\s+https?:\/\/(?<secret>[^\s/@]+)@/im,
  /^(?:.*\| )?\s*hactl_webhook\s+https?:\/\/[^\s/]+\/(?<secret>\S+)/im,
  /^(?:.*\| )?\s*hactl_webhook\s+\S+\s+(?<secret>\S.*)$/im,
  /^(?:.*\| )?\s*(?:hactl_fence|hactl_alert_command|stonith)\s+\S+\s+(?<secret>\S.*)$/im,
  /^(?:.*\| )?\s*(?:stonith_host|hactl_track_script)\s+\S+\s+\S+\s+(?<secret>\S.*)$/im,
  // Words that say what follows, in any file
  /\b(?:auth_pass|auth_key|passwd|password|passphrase|secret|token|api[_-]?key|community)[\s=:"']+(?<secret>[^\s"'&,;]+)/i,
  /:\/\/(?<secret>[^\s/@:]*:[^\s/@]+)@/,
];

const bare = (value: string): string => value.trim().replace(/^(["'])(.*)\1$/, '$2');

/** One text without what its own lines say is secret, and these secrets. */
export function redactFile(text: string): {readonly text: string; readonly secrets: readonly string[]} {
  const secrets = new Set<string>();
  const lines = text.split('\n').map((line) => {
    let left = line;
    for (const pattern of patterns) {
      const again = new RegExp(pattern, `${pattern.flags}g`);
      left = left.replaceAll(again, (whole, ...rest: unknown[]) => {
        const groups = rest.at(-1) as {secret?: string};
        const secret = groups.secret ?? '';
        if (secret === '' || secret.startsWith(REDACTED)) return whole;
        secrets.add(bare(secret));
        // Of the arguments of a command one may be the password, and stand alone elsewhere.
        for (const part of secret.split(/[\s&]+/).map((word) => bare(word.replace(/^[^=]*=/, ''))))
          if (part.length >= SHORTEST_PART) secrets.add(part);
        const at = whole.lastIndexOf(secret);
        return whole.slice(0, at) + REDACTED + whole.slice(at + secret.length);
      });
    }
    return left;
  });
  return {text: lines.join('\n'), secrets: [...secrets].filter((secret) => secret.length >= SHORTEST)};
}

/** A text without any of these secrets, as they are and as JSON and URLs write them; the longest first. */
export function scrub(text: string, secrets: Iterable<string>): string {
  const forms = new Set<string>();
  for (const secret of secrets) {
    forms.add(secret);
    forms.add(JSON.stringify(secret).slice(1, -1));
    forms.add(encodeURIComponent(secret));
  }
  return [...forms]
    .toSorted((one, other) => other.length - one.length)
    .reduce((left, form) => left.replaceAll(form, REDACTED), text);
}
