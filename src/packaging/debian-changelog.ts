/** Converts CHANGELOG.md to Debian's format, read by apt-listchanges and `apt changelog`. Pure. */

export const MAINTAINER = 'hactl maintainers <root@localhost>';

/** Maximum columns, as in lintian. */
const WIDTH = 80;

/** Wraps each list item up to its first empty line; drops headings between the lists. */
function item(markdown: string): string {
  const [text = ''] = markdown.split(/\n\s*\n/);
  const lines: string[] = [];
  let line = '  *';
  for (const word of text.split(/\s+/).filter((text) => text !== '')) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = '   ';
    }
    line += ` ${word}`;
  }
  return [...lines, line].join('\n');
}

/**
 * `date`: date of the newest release, seconds since 1970. CHANGELOG.md has no dates, so each older release is dated one second
 * earlier. Throws if a release lists no change.
 */
export function debianChangelog(markdown: string, date: number): string {
  const releases = markdown.split(/^## /m).slice(1);
  return releases
    .map((release, age) => {
      const [version = ''] = release.split(/[\s(]/);
      const [, ...items] = release.split(/^- /m);
      if (items.length === 0) throw new Error(`CHANGELOG.md: no changes listed for ${version}`);
      const when = new Date((date - age) * 1_000).toUTCString().replace('GMT', '+0000');
      return `hactl (${version}) unstable; urgency=medium\n\n${items.map(item).join('\n')}\n\n -- ${MAINTAINER}  ${when}\n`;
    })
    .join('\n');
}
