/** Parses one line of ipvsadm-save into options and their values. Pure. */
import type {Span} from '../model.ts';
import type {Reporter} from '../reader.ts';

/** Long names of ipvsadm's options, and whether a value follows. */
const options: Readonly<Record<string, readonly [string, boolean]>> = {
  '-A': ['add-service', false], '-a': ['add-server', false], '-t': ['tcp-service', true], '-u': ['udp-service', true],
  '-f': ['fwmark-service', true], '-s': ['scheduler', true], '-p': ['persistent', true], '-M': ['netmask', true],
  '-b': ['sched-flags', true], '-o': ['ops', false], '-O': ['ops', false], '-6': ['ipv6', false],
  '-r': ['real-server', true], '-R': ['real-server', true], '-g': ['gatewaying', false], '-m': ['masquerading', false], '-i': ['ipip', false],
  '-w': ['weight', true], '-x': ['u-threshold', true], '-y': ['l-threshold', true], '-n': ['numeric', false],
  '--sctp-service': ['sctp-service', true], '--pe': ['pe', true], '--tun-type': ['tun-type', true],
  '--tun-port': ['tun-port', true], '--tun-nocsum': ['tun-csum', false], '--tun-csum': ['tun-csum', false],
  '--tun-remcsum': ['tun-csum', false],
}; // prettier-ignore
const longNames = new Map<string, readonly [string, boolean]>(
  Object.values(options).map(([name, takes]) => [`--${name}`, [name, takes]]),
);

export interface Command {
  readonly text: string;
  readonly span: Span;
  readonly values: ReadonlyMap<string, {readonly text: string; readonly span: Span}>;
}

export function parseCommand(text: string, start: number, reporter: Reporter): Command | undefined {
  const content = text.split('#')[0] ?? '';
  const words = [...content.matchAll(/\S+/g)].map((match) => ({
    text: match[0],
    span: reporter.span(start + match.index, start + match.index + match[0].length),
  }));
  const [first] = words;
  const last = words.at(-1);
  if (!first || !last) return undefined;
  const rest = first.text.endsWith('ipvsadm') ? words.slice(1) : words;
  const values = new Map<string, {text: string; span: Span}>();
  for (let index = 0; index < rest.length; index += 1) {
    const word = rest[index];
    if (!word) break;
    const option =
      (Object.hasOwn(options, word.text) ? options[word.text] : undefined) ?? longNames.get(word.text);
    if (!option) {
      reporter.error(
        'unknown-directive',
        word.span,
        `unknown option ${word.text}`,
        'ipvsadm-save writes -A and -a lines with -t -u -f -s -p -M -b -o -r -g -m -i -w -x -y',
      );
      return undefined;
    }
    const [name, takes] = option;
    const value = takes ? rest[index + 1] : word;
    // ipvsadm's default for -p without a number: 360 seconds.
    if (name === 'persistent' && (value === undefined || value.text.startsWith('-'))) {
      values.set(name, {text: '360', span: word.span});
      continue;
    }
    if (!value) {
      reporter.error(
        'missing-value',
        word.span,
        `${word.text} needs a value`,
        'the line is truncated: save the table again',
      );
      return undefined;
    }
    if (takes) index += 1;
    values.set(name, value);
  }
  return {text: content.trim(), span: reporter.span(first.span.start, last.span.end), values};
}
