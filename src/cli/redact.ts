/** Redacts secrets in configuration files, and wherever else they occur. Works on files that no parser accepts. Pure. */
import {hideSecrets, redactKeyLine, secretPatterns} from '@hactl/config';

export const REDACTED = '[redacted]';

/** Shorter values are redacted in their own lines but not searched elsewhere: they would match everywhere. */
const SHORTEST = 4;
/** Minimum length for parts of a value, which include words such as `root`. */
const SHORTEST_PART = 8;
/** Minimum length for parts with other characters than lower-case letters. */
const SHORTEST_ODD = 6;
const isKeyLike = (word: string): boolean =>
  word.length >= SHORTEST_ODD && !/^(?:hmac-)?(?:md5|sha\d*)$/i.test(word);
const isOdd = (word: string): boolean => /[^a-z]/.test(word);

/** A path too short to contain a token. */
const PLAIN_PATH = String.raw`\/?[\w-]{0,12}(?:\.[a-z]{2,4})?`;
/** A line may be prefixed with `12 | `, as in logged diagnostics. */
/** A commented-out secret may be in use elsewhere. */
const START = String.raw`^(?:.*\| )?[ \t#;]*`;
const line = (rest: string): RegExp => new RegExp(START + rest, 'im');

/** Also redacts possible secrets: better missing from a bundle than sent to strangers. */
const patterns: readonly RegExp[] = [
  ...secretPatterns,
  line(String.raw`\d+\s+(?:crc|md\d|sha|hmac)\S*\s+(?<secret>\S.*)$`),
  // Text sent by a check (a token in the path, AUTH of redis, an SQL statement) and the expected answer
  line(String.raw`req\w*\s*=\s*"?(?!${PLAIN_PATH}"?\s*$)(?<secret>[^"\n]+)`),
  line(String.raw`real6?\s*=[^"\n]*"(?!${PLAIN_PATH}")(?<secret>[^"\n]+)"`),
  line(String.raw`(?:hactl_s\w*|hactl_e\w*)\s*=\s*(?<secret>\S.*)$`),
  // Every argument of a command
  line(String.raw`(?:callback|\w+com\w*)\s*=\s*"?[^\s"]+\s+(?<secret>[^"\n]+)`),
  line(
    String.raw`(?:hactl_track_script|hactl_alert_command|hactl_fence|respawn|failfast)\s+(?:[\d.]+\w*\s+|[a-z_][\w-]*\s+(?=\/))?\S+\s+(?<secret>\S.*)$`,
  ),
  // haresources: arguments of foreign resources
  /(?<=^|\s)(?!(?:IPaddr2?|IPv6addr|ldirectord|LVSSyncDaemonSwap|IPsrcaddr|systemd)::)[A-Za-z][\w.:-]*?::(?<secret>\S+)/im,
  // Words that announce a secret, in any file
  /\b(?:auth_pass|auth_key|passwd|password|passphrase|secret|token|api[_-]?key|community)[\s=:"']+(?<secret>[^\s"'&,;]+)/i,
  /\b[A-Z_]*(?:PASS|PWD|TOKEN|SECRET)[A-Z_]*=(?<secret>[^\s"']+)/,
  /\b(?:authorization|x-api-key|cookie):\s*(?:bearer\s+|basic\s+)?(?<secret>[^\s"']+)/i,
  /(?<=\s)-(?:p|a|u|c)\s*(?<secret>[^\s"'-][^\s"']{3,})/,
  /(?:\/\/|(?<=^|[\s"'=]))(?<secret>[^\s/@:"'=]*:[^\s/@"']+)@/,
  /(?<secret>-----BEGIN [\s\S]*)/,
];

const bare = (value: string): string => value.trim().replace(/^(["'])(.*)\1$/, '$2');

/** Removes from a text the secrets of its own lines and these secrets; in authkeys every line may be a key; output has no directives. */
export function redactFile(
  text: string,
  kind: 'file' | 'authkeys' | 'output' = 'file',
): {readonly text: string; readonly secrets: readonly string[]} {
  const secrets = new Set<string>();
  const note = (secret: string): void => {
    secrets.add(bare(secret));
    // In a misspelled line of authkeys any word may be the key: `1: sha1 KEY`.
    if (kind === 'authkeys')
      for (const word of secret.split(/[\s=:]+/)) if (isKeyLike(word)) secrets.add(bare(word));
    // Any argument of a command may be the password, which may also occur alone elsewhere.
    for (const word of secret.split(/[\s&"'“”]+|\\[rn]/))
      for (const part of [
        word.replace(/^[^=]*=/, ''),
        word.replace(/^-\w/, ''),
        ...word.split(/::|[:@/?=,]/).filter(isOdd),
      ])
        if (part.length >= SHORTEST_PART || (part.length >= SHORTEST_ODD && isOdd(part)))
          secrets.add(bare(part));
  };
  const lines = text
    .split('\n')
    .map((line) =>
      kind === 'authkeys'
        ? redactKeyLine(line, REDACTED, note)
        : hideSecrets(line, patterns, REDACTED, note, kind === 'file'),
    );
  return {text: lines.join('\n'), secrets: [...secrets].filter((secret) => secret.length >= SHORTEST)};
}

/** The base64 of a secret at each alignment, without the characters that depend on its neighbours. */
function base64Forms(secret: string): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const whole = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)]).toString('base64');
    const middle = whole.replace(/=+$/, '').slice(Math.ceil((offset * 4) / 3), -1);
    return middle.length >= SHORTEST_PART ? [middle] : [];
  });
}

/** Removes these secrets from a text, plain and encoded as JSON, URL, base64 and hex; the longest first. */
export function scrub(text: string, secrets: Iterable<string>): string {
  const forms = new Set<string>();
  for (const secret of secrets) {
    forms.add(secret);
    forms.add(JSON.stringify(secret).slice(1, -1));
    forms.add(encodeURIComponent(secret));
    if (secret.length < SHORTEST_ODD) continue;
    for (const form of base64Forms(secret)) forms.add(form);
    forms.add(Buffer.from(secret).toString('hex'));
  }
  return [...forms]
    .toSorted((form, right) => right.length - form.length)
    .reduce((left, form) => left.replaceAll(form, REDACTED), text);
}
