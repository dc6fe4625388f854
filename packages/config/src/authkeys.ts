/** authkeys → the model. Pure: the caller passes the file's mode. No message quotes the file: every word may be a key. */
import {cleanText} from './clean-text.ts';
import type {Diagnostic} from './diagnostic.ts';
import type {Authkeys, AuthMethod, Mode, Span} from './model.ts';
import {linesOf, Reporter} from './reader.ts';

const methods: readonly AuthMethod[] = ['crc', 'md5', 'sha1', 'sha256'];

/** In a key # is a character, as for heartbeat: a key that ended there would be a weaker one. A blank before it ends the key. */
function withoutComment(text: string): string {
  const key = /^\s*\d+\s+(?!crc\s)[^\s#]+\s+(?!#(?:\s|$))\S+/.exec(text)?.[0];
  const rest = text.slice(key?.length ?? 0);
  return `${key ?? ''}${(key === undefined ? rest.split('#')[0] : rest.replace(/\s#.*/, '')) ?? ''}`.trimEnd();
}

/** Parses one file. */
export function parseAuthkeys(
  source: {readonly path: string; readonly text: string; readonly mode?: number},
  options: {readonly mode: Mode},
): {model: Authkeys; diagnostics: Diagnostic[]} {
  const reporter = new Reporter(source.path, options.mode);
  const keys: {span: Span; id: number; method: AuthMethod; secret: string}[] = [];
  let active: {id: number; span: Span} | undefined;
  const start = reporter.span(0, Math.max(1, source.text.indexOf('\n')));
  if (source.mode !== undefined && (source.mode & 0o077) !== 0)
    reporter.error(
      'bad-permissions',
      start,
      `Bad permissions on keyfile ${source.path}: ${source.mode.toString(8)}, 600 recommended`,
      `others could read the key: chmod 600 ${source.path}`,
    );
  for (const line of linesOf(cleanText(source.text, reporter) ?? '')) {
    const content = withoutComment(line.text);
    const match = /^\s*(\S+)(?:\s+(\S+))?(?:\s+(.*))?$/.exec(content);
    if (!match) continue;
    const [, head = '', method = '', secret = ''] = match;
    const from = line.start + content.indexOf(head);
    const span = reporter.span(from, line.start + content.length);
    if (head === 'auth') {
      const id = Number(method);
      if (Number.isInteger(id) && id >= 1 && id <= 15) active = {id, span};
      else
        reporter.error(
          'bad-value',
          span,
          'auth is followed by the number of a key',
          'auth NUMBER, from 1 to 15',
        );
      continue;
    }
    const id = Number(head);
    if (!Number.isInteger(id) || id < 1 || id > 15) {
      reporter.error(
        'bad-value',
        span,
        'the line starts with neither auth nor a key number from 1 to 15',
        'the form is: NUMBER METHOD KEY',
      );
      continue;
    }
    if (!(methods as readonly string[]).includes(method)) {
      reporter.error(
        'bad-value',
        span,
        `key ${id} has no authentication method that hactl knows`,
        `write ${id} sha256 KEY; sha1, md5 and crc are known too`,
      );
      continue;
    }
    if (method === 'crc' && secret !== '')
      reporter.error(
        'bad-value',
        span,
        'crc takes no key',
        'crc protects against damage only; write NUMBER sha256 KEY for a key',
      );
    else if (method !== 'crc' && secret === '')
      reporter.error('missing-value', span, `${method} needs a key`, `the form is: ${id} ${method} KEY`);
    else if (keys.some((key) => key.id === id))
      reporter.error(
        'duplicate-resource',
        span,
        `key ${id} is defined twice`,
        'give each key its own number',
      );
    else {
      if (method !== 'sha256')
        reporter.add(
          'warning',
          'weak-authentication',
          span,
          method === 'crc'
            ? 'crc authenticates nobody: anyone on the network can take the addresses'
            : `${method} is accepted for old files`,
          `write ${id} sha256 KEY on both directors`,
        );
      keys.push({span, id, method: method as AuthMethod, secret});
    }
  }
  if (reporter.diagnostics.some(({code}) => code === 'not-text'))
    return {model: {path: source.path, active: 0, keys: []}, diagnostics: reporter.diagnostics};
  if (!active)
    reporter.error('missing-key', start, 'no auth line: no key is chosen for signing', 'add auth NUMBER');
  else if (!keys.some((key) => key.id === active?.id))
    reporter.error(
      'missing-key',
      active.span,
      `auth ${active.id}: there is no key ${active.id}`,
      `add a line: ${active.id} sha256 KEY`,
    );
  return {model: {path: source.path, active: active?.id ?? 0, keys}, diagnostics: reporter.diagnostics};
}
