/** Directives about the pair's environment: watchdog, stonith, crm, autojoin and apiauth of ha.cf. Pure. */
import type {HaLine} from './ha-line.ts';
import type {HaConfig, Span} from './model.ts';
import type {Reporter} from './reader.ts';
import {parseBoolean} from './units.ts';

interface Outside {
  readonly texts: {watchdog?: string};
  readonly stonith: {span: Span; from: string; words: string[]}[];
  readonly apiauth: {client: string; words: string[]}[];
}

/** True when the line was one of these directives. */
export function parseOutside(line: HaLine, draft: Outside, reporter: Reporter): boolean {
  const {name, rest, value, whole} = line;
  const words = rest.map((word) => word.text);
  switch (name) {
    case 'watchdog':
      if (!line.wants('DEVICE')) return true;
      if (draft.texts.watchdog !== undefined)
        line.wrong('Watchdog device multiply specified', 'one device is enough: remove a line', whole);
      else if (!value.startsWith('/'))
        line.wrong(`"${value}" is not a device`, 'write watchdog /dev/watchdog');
      else draft.texts.watchdog = value;
      return true;
    case 'stonith':
      if (line.wants('TYPE CONFIGFILE', 2))
        draft.stonith.push({span: whole, from: '*', words: [value, '-F', words.slice(1).join(' ')]});
      return true;
    case 'stonith_host':
      if (line.wants('FROM TYPE PARAMETERS…', 2))
        draft.stonith.push({
          span: whole,
          from: value.toLowerCase(),
          words: [words[1] ?? '', '-p', words.slice(2).join(' ')],
        });
      return true;
    case 'crm':
    case 'pacemaker':
      if (parseBoolean(value) !== false)
        reporter.error(
          'refused-directive',
          whole,
          `${name} ${value}: a cluster resource manager is not supported`,
          `write ${name} off, or remove the line: haresources decides`,
        );
      return true;
    case 'autojoin':
      if (value !== 'none')
        reporter.error(
          'refused-directive',
          whole,
          `autojoin ${value} conflicts with haresources`,
          'write autojoin none',
        );
      return true;
    default:
      return false;
  }
}

/** `apiauth CLIENT [uid=LIST] [gid=LIST]`: strict mode checks the syntax, although hactl has no API clients. */
export function parseApiauth(line: HaLine, draft: Outside, reporter: Reporter): void {
  const [client, ...lists] = line.rest.map((word) => word.text);
  if (client !== undefined && lists.length > 0 && lists.every((list) => /^[ug]id=./.test(list)))
    draft.apiauth.push({client, words: lists});
  else if (reporter.mode === 'strict')
    reporter.error(
      'bad-value',
      line.whole,
      'apiauth needs a client and the users or groups that may be one',
      'the form is: apiauth CLIENT uid=LIST gid=LIST, with at least one of the two lists',
    );
}

const quoted = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;

/**
 * The stonith lines for this node as one shell command, to be called with the peer's name: cluster-glue's
 * `stonith`, one device after another until one succeeds. undefined: there is no such line.
 */
export function stonithCommand(stonith: HaConfig['stonith'], node: string): string | undefined {
  const calls = stonith
    .filter(({from}) => from === '*' || from === node)
    .map(({words: [type = '', option = '', parameters = '']}) =>
      // Parameters may be passwords. Every user can read arguments; nobody else can read a pipe.
      option === '-p'
        ? `printf '%s\\n' ${quoted(parameters)} | stonith -t ${quoted(type)} -F /dev/stdin -T reset "$1"`
        : `stonith -t ${quoted(type)} ${option} ${quoted(parameters)} -T reset "$1"`,
    );
  return calls.length === 0 ? undefined : `reset() { ${calls.join(' || ')}; }; reset`;
}
