/** A configuration file without its secrets, to be shown or sent to people. Pure. */

const HIDDEN = '(secret)';

/** One line of one of our files; the kinds of lines are told apart by their words, whatever the file is called. */
export function redactLine(line: string): string {
  return (
    line
      // authkeys: NUMBER METHOD KEY
      .replace(/^(\s*\d+\s+(?:md5|sha1|sha256)\s+)\S.*$/i, `$1${HIDDEN}`)
      // ldirectord: passwd, secret
      .replace(/^(\s*(?:passwd|secret)\s*=\s*).*$/i, `$1${HIDDEN}`)
      // ha.cf: what stands behind the type of a fencing device
      .replace(/^(\s*stonith\s+\S+\s+).*$/i, `$1${HIDDEN}`)
      .replace(/^(\s*stonith_host\s+\S+\s+\S+\s+).*$/i, `$1${HIDDEN}`)
  );
}

export const redactText = (text: string): string => text.split('\n').map(redactLine).join('\n');
