/** Words that announce a secret wherever they stand: in arguments, requests, headers, comments, also of foreign files. Pure. */

/** The end of what a name of a secret looks like: `replication_passwd`, `bindpw`, `api-key`. */
const NAME = [
  'pass(?:w\\w*|phrase)?', 'pwd', 'pw', 'secret', 'token', 'psk', 'community', 'credentials?', 'bearer',
  '(?:api|auth|access|private|secret|shared|tls|session)[_-]?key', 'auth_?pass', 'j?session_?id',
].join('|'); // prettier-ignore
/** A word begins here: `\b`, but the `n` of `\r\nPASS` is no part of the word. */
const BEGIN = String.raw`(?:(?<![\w-])|(?<=\\[rnt]))`;
/** The front of a name, from its beginning: tried from each letter, a long word would take seconds. */
const WORD = String.raw`(?:(?<!\w)|(?<=\\[rnt]))\w*`;
const VALUE = String.raw`(?<secret>[^\s"'”&,;]+)`;

/**
 * User and password in front of a host, with a scheme or without. A password may have a `/` or an `@`; behind the colon of a
 * port stand only digits.
 */
export const urlPatterns: readonly RegExp[] = [
  /:\/\/(?<secret>[^\s/@"']+|[^\s/:@"']+:(?!\d+(?:[/?#]|$))[^\s"']*)@/i,
  /(?<=^|[\s"'“=,;:])(?<secret>[^\s/@:"'“=]+:[^\s/@"'”]{1,1000})@(?=[\w[])/i,
];

/** What a text that one of the patterns finds has in it; most texts have nothing of it. */
export const mayHoldSecret =
  /@|:\/\/|pass|pwd|pw|secret|token|psk|communit|credential|bearer|key|session|auth|tsig|cookie|[-_]p|-u|md5|sha1|sha256|crc|-----|["'“]\/[^\s"'“”]+\s/i;

/** A command in quotes, or a path with a blank. */
export const quotedCommand = /["'“]\/[^\s"'“”]+\s+(?<secret>[^\s"'”][^"'”\n]*)/;

/** Each has the secret in a group of that name. */
export const wordPatterns: readonly RegExp[] = [
  ...urlPatterns,
  quotedCommand,
  // The query of an address
  /:\/\/[^\s?"']{0,500}\?(?<secret>[^\s"']+)/i,
  /["'“][^\s"'“]+\s(?:[^"'\n]*\s)?\w+:\/\/[^\s/?"']+\/(?<secret>[^\s"']+)/i,
  // Options of a command; in haresources their values stand behind `::`
  new RegExp(
    String.raw`(?<=^|\s|::|["'])--?(?:[\w-]*[_-])?(?:p|${NAME})(?:=|\s+|::)(?<secret>[^\s"']+)`,
    'i',
  ),
  // `-pPASSWORD`; a small word is another option: `-port`
  /(?<=\s|::|["'])-p(?<secret>(?=[^\s:]*[^a-z\s:])[^\s:"'=]{3,})/,
  // curl's user and password
  /(?<=\s|::|["'])-u(?:\s+|::|=)?(?<secret>[^\s:"']+:[^\s:"'][^\s"']*)/,
  // NAME=VALUE, NAME: VALUE
  new RegExp(String.raw`(?:${BEGIN}key|${WORD}(?:${NAME}))["']?[ \t]*[=:]+[ \t]*["']?${VALUE}`, 'i'),
  // A sentence
  /\b(?:passwo?rd|passwd|passphrase|community|secret)\s+(?:is\s+)?(?:\\?["'])?(?<secret>[^\s"'=:\\]+)/i,
  /\b(?:token|psk|key)\s+["']?(?<secret>(?=[^\s"'=:]*\d)(?=[^\s"'=:]*[a-z])[^\s"'=:]{4,})/i,
  /\btsig\s+["']?(?<secret>[^\s"'=:]+)/i,
  // Redis
  /["'“]AUTH[ \t]+(?<secret>[^"'”\\\n]+)/,
  /\b(?:auth_pass|auth_key)[ \t]+"?(?<secret>(?<=")[^"\n]+|[^\s"}]+)/i,
  // Headers of HTTP
  new RegExp(
    String.raw`${BEGIN}(?:(?:proxy-)?authorization|x-[\w-]*(?:key|auth|token|secret)[\w-]*|(?:set-)?cookie)["']?\s*[:=]\s*["']?(?<secret>[^"'”\\\n]+)`,
    'i',
  ),
  new RegExp(String.raw`${BEGIN}bearer\s+(?<secret>[^\s"'”\\]+)`, 'i'),
  // Variables in front of a command
  /(?<![\w-])[A-Z\d_]*(?:PASS|PWD|TOKEN|SECRET|KEY|COMMUNITY)[A-Z\d_]*=(?<secret>[^\s"']+)/,
  // A line of authkeys
  /(?<![\w.])\d+[).:]?\s+(?:crc|md5|sha1|sha256)\s+(?<secret>\S.*)$/im,
  /\b(?:md5|sha1|sha256)\s+\d+\s+(?<secret>[^\s}]+)/i,
  /^[ \t#]*(?:hmac-)?(?:md5|sha1|sha256)\s+(?<secret>\S.*)$/im,
  /(?<secret>-----BEGIN [\s\S]*)/,
];

/** Statements of keepalived and Piranha whose value is a command: its arguments often are passwords. */
const commandPattern =
  /^\s*[\w-]*(?:notify|script|misc_path|quorum_(?:up|down)|send_program|_cmd|load_monitor|rsh_command)[\w-]*[\s=]+["'“]?(?:\w+=\S*\s+)*[^\s"'“=]+\s+(?!\{)(?<secret>\S.*?)["'”]?(?:\s+interval\b.*)?$/i;
const variablePattern =
  /^\s*[\w-]*(?:notify|script|misc_path|quorum_(?:up|down)|send_program|_cmd)[\w-]*[\s=]+["'“]?\w+=(?<secret>[^\s"'”]+)/i;
const passwordPattern = new RegExp(
  String.raw`^\s*(?:(?:[\w-]*_)?auth(?!_?type)_?|[\w-]*_key|[\w-]*(?:${NAME}))\w*[\s=]+["'“]?(?<secret>[^\s{"'”][^"'”{]*)`,
  'i',
);

/** A statement of a foreign file, as the list of an import names it. */
export const statementPatterns: readonly RegExp[] = [
  commandPattern,
  variablePattern,
  passwordPattern,
  ...wordPatterns,
];
