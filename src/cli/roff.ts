/** Text for man(7). Pure. */

/** Escapes a line of text, so that nothing is read as a request or an escape. */
export const text = (line: string): string =>
  line
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('’', "'")
    .replaceAll('…', '...')
    .replaceAll('×', 'x')
    .replace(/^([.'])/, '\\&$1');

export const bold = (line: string): string => `\\fB${text(line)}\\fR`;

/** One line of Markdown: code and strong become bold, links are reduced to their text. */
export const inline = (markdown: string): string =>
  markdown
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .split(/(`[^`]*`|\*\*[^*]*\*\*)/)
    .map((part) => (/^(`|\*\*)/.test(part) ? bold(part.replace(/^(`|\*\*)|(`|\*\*)$/g, '')) : text(part)))
    .join('')
    .replace(/^([.'])/, '\\&$1');

/** A term and its description, both already roff. */
export const item = (head: string, body: string): string => `.TP\n${head}\n${body}`;

export interface Section {
  readonly title: string;
  /** Already roff. */
  readonly body: string;
}

/** A whole page. It has no date, so the same source always gives the same page. */
export function page(
  name: string,
  part: number,
  version: string,
  about: string,
  sections: readonly Section[],
): string {
  const head = `.\\" Made by: npm run man\n.TH ${name.toUpperCase()} ${part} "" "hactl ${version}"`;
  const start = `.SH NAME\n${text(name)} \\- ${text(about)}`;
  return `${[head, start, ...sections.map(({title, body}) => `.SH ${title}\n${body}`)].join('\n')}\n`;
}
