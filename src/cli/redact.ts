/** Takes secrets out of configuration files, and then wherever else they stand. Works on files that no parser would take. Pure. */
import {hideSecrets, secretPatterns} from '@hactl/config';

export const REDACTED = '[redacted]';

/** Shorter values are taken out of the lines that hold them, but not looked for elsewhere: they would be everywhere. */
const SHORTEST = 4;
/** Parts of a value are words such as `root` too. */
const SHORTEST_PART = 8;

/** Beside what is a secret, what may be one: better missing from a bundle than sent to strangers. */
const patterns: readonly RegExp[] = [
  ...secretPatterns,
  // A check's request may carry a token behind the question mark.
  /^(?:.*\| )?\s*request\s*=[^?\n]*\?(?<secret>[^"\s]+)/im,
  /^(?:.*\| )?\s*real6?\s*=[^?\n]*\?(?<secret>[^"\s]+)/im,
  // Words that say what follows, in any file
  /\b(?:auth_pass|auth_key|passwd|password|passphrase|secret|token|api[_-]?key|community)[\s=:"']+(?<secret>[^\s"'&,;]+)/i,
  /:\/\/(?<secret>[^\s/@:]*:[^\s/@]+)@/,
];

const bare = (value: string): string => value.trim().replace(/^(["'])(.*)\1$/, '$2');

/** One text without what its own lines say is secret, and these secrets. */
export function redactFile(text: string): {readonly text: string; readonly secrets: readonly string[]} {
  const secrets = new Set<string>();
  const note = (secret: string): void => {
    secrets.add(bare(secret));
    // Of the arguments of a command one may be the password, and stand alone elsewhere.
    for (const part of secret.split(/[\s&]+/).map((word) => bare(word.replace(/^[^=]*=/, ''))))
      if (part.length >= SHORTEST_PART) secrets.add(part);
  };
  const lines = text.split('\n').map((line) => hideSecrets(line, patterns, REDACTED, note));
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
