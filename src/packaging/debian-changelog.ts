/** CHANGELOG.md in Debian's form, which apt-listchanges and `apt changelog` read. Pure. */

export const MAINTAINER = 'hactl maintainers <root@localhost>';

/** Columns; lintian's own. */
const WIDTH = 80;

/** An item of a list, up to its first empty line, wrapped: headings between the lists are left out. */
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
 * `date`: seconds since 1970, of the newest release; CHANGELOG.md dates none, so each older one is a second older. Throws where
 * a release lists no change.
 */
export function debianChangelog(markdown: string, date: number): string {
  const releases = markdown.split(/^## /m).slice(1);
  return releases
    .map((release, age) => {
      const [version = ''] = release.split(/[\s(]/);
      const [, ...items] = release.split(/^- /m);
      if (items.length === 0) throw new Error(`CHANGELOG.md: no change is listed for ${version}`);
      const when = new Date((date - age) * 1_000).toUTCString().replace('GMT', '+0000');
      return `hactl (${version}) unstable; urgency=medium\n\n${items.map(item).join('\n')}\n\n -- ${MAINTAINER}  ${when}\n`;
    })
    .join('\n');
}
