/** haresources → the model: one group per line, continuation lines joined. Pure. */
import {ipv4, ipv6, prefixLength} from './addresses.ts';
import {cleanText} from './clean-text.ts';
import {nearest, type Diagnostic} from './diagnostic.ts';
import type {Haresources, Mode, Resource, ResourceGroup, Span, Vip} from './model.ts';
import {linesOf, Reporter} from './reader.ts';
import {builtinResources, isOcf, wantedForm} from './resource-forms.ts';

/** The kernel's limit for names of interfaces and labels (IFNAMSIZ without the terminating NUL). */
const NAME_MAX = 15;

const addressTypes = new Set(['IPaddr', 'IPaddr2', 'IPv6addr']);

/** Parses one file. */
export function parseHaresources(
  source: {readonly path: string; readonly text: string},
  options: {readonly mode: Mode},
): {model: Haresources; diagnostics: Diagnostic[]} {
  const reporter = new Reporter(source.path, options.mode);
  const groups: ResourceGroup[] = [];
  let words: {text: string; span: Span}[] = [];
  const keys = new Set<string>();
  const finish = (): void => {
    const [node, ...rest] = words;
    words = [];
    if (!node) return;
    if (rest.length === 0) {
      reporter.error(
        'missing-value',
        node.span,
        `the line of ${node.text} has no resources`,
        'the form is: NODE RESOURCE[::ARGUMENT…] …',
      );
      return;
    }
    const resources = rest.flatMap((word) => parseResource(word, reporter) ?? []);
    const name = rest[0]?.text ?? '';
    if (keys.has(name))
      reporter.error(
        'duplicate-resource',
        rest[0]?.span ?? node.span,
        `the first resource of a group is its name, and ${name} is taken`,
        'put another resource first, or merge the two lines',
      );
    keys.add(name);
    groups.push({span: node.span, node: node.text.toLowerCase(), name, resources});
  };
  for (const line of linesOf(cleanText(source.text, reporter) ?? '')) {
    const content = line.text.split('#')[0] ?? '';
    const continued = /\\\s*$/.test(content);
    for (const match of content.replace(/\\\s*$/, '').matchAll(/\S+/g))
      words.push({
        text: match[0],
        span: reporter.span(line.start + match.index, line.start + match.index + match[0].length),
      });
    if (!continued) finish();
  }
  finish();
  if (groups.length === 0 && reporter.diagnostics.every(({severity}) => severity !== 'error'))
    reporter.add(
      'warning',
      'missing-value',
      reporter.span(0, 1),
      'the file has no resource line: the pair moves no address',
      'NODE IPaddr2::ADDRESS/PREFIX/INTERFACE …; was the file cut off?',
    );
  return {model: {path: source.path, groups}, diagnostics: reporter.diagnostics};
}

function parseResource(word: {text: string; span: Span}, reporter: Reporter): Resource | undefined {
  const {span} = word;
  // A bare address is IPaddr. A bare IPv6 address contains :: but is not a script with arguments.
  const bare = /^[\d.]+(\/|$)/.test(word.text) || ipv6(word.text.split('/')[0] ?? '') !== undefined;
  const [written = '', ...args] = bare ? ['IPaddr', word.text] : word.text.split('::');
  const meant = builtinResources.find((name) => name.toLowerCase() === written.toLowerCase());
  if (meant !== undefined && meant !== written) {
    const name = {file: span.file, start: span.start, end: span.start + written.length};
    if (
      !reporter.repair(
        'misspelled',
        name,
        `Cannot locate resource script ${written}: names are case-sensitive`,
        meant,
        [{span: name, replacement: meant}],
      )
    )
      return undefined;
  }
  const type = meant ?? written;
  if (type === 'AudibleAlarm') {
    reporter.error(
      'refused-directive',
      span,
      'AudibleAlarm is not supported',
      'directors are rarely within earshot: use MailTo, or a script in resource.d',
    );
    return undefined;
  }
  if (meant === undefined && !isOcf(written)) {
    const near = nearest(written, builtinResources);
    if (near !== undefined)
      reporter.add(
        'warning',
        'misspelled',
        span,
        `${written} is not a built-in resource`,
        `a script of that name is used when there is one; did you mean ${near}?`,
      );
  }
  if (!addressTypes.has(type)) {
    const form = wantedForm(type, args);
    if (form !== undefined) {
      reporter.error('bad-value', span, `${word.text} does not have the form of ${type}`, form);
      return undefined;
    }
    if (type === 'ldirectord' && args.length === 0) args.push('ldirectord.cf');
    return {span, type, args};
  }
  const vip = parseVip(type, args.join('::'), span, reporter);
  return vip === undefined ? undefined : {span, type, args, vip};
}

/** `ADDRESS[/MASK[/INTERFACE[:LABEL][/BROADCAST]]]`; a third field that is an address is the broadcast. */
function parseVip(type: string, text: string, span: Span, reporter: Reporter): Vip | undefined {
  const form = `${type}::ADDRESS[/MASK[/INTERFACE[/BROADCAST]]]`;
  const spanOf = (piece: string): Span => {
    const start = span.end - text.length + Math.max(0, text.indexOf(piece));
    return {file: span.file, start, end: start + Math.max(1, piece.length)};
  };
  const [host = '', mask, ...more] = text.split('/');
  const address = ipv4(host) ?? ipv6(host);
  if (address === undefined) {
    reporter.error('bad-address', spanOf(host), `"${host}" is not an address`, form);
    return undefined;
  }
  const family = address.includes(':') ? 6 : 4;
  const length = mask === undefined || mask === '' ? undefined : prefixLength(mask, family);
  if (mask !== undefined && mask !== '' && length === undefined) {
    reporter.error(
      'bad-value',
      spanOf(mask),
      `"${mask}" is not a netmask`,
      `a prefix length from 1 to ${family === 4 ? 32 : 128}${family === 4 ? ', or 255.255.255.0' : ''}`,
    );
    return undefined;
  }
  let device: string | undefined;
  let broadcast: string | undefined;
  // A slash with nothing behind it says nothing, to heartbeat too.
  for (const piece of more.filter((piece) => piece !== '')) {
    if (ipv4(piece) !== undefined) broadcast = piece;
    else if (device === undefined && /^[\w.@-]+(:\S+)?$/.test(piece)) device = piece;
    else {
      reporter.error(
        'bad-value',
        spanOf(piece),
        `"${piece}" is neither an interface nor a broadcast address`,
        form,
      );
      return undefined;
    }
  }
  const [name = '', label] = (device ?? '').split(':');
  for (const [what, word] of [
    ['interface', name],
    ['label', label === undefined ? '' : (device ?? '')],
  ] as const)
    if (word.length > NAME_MAX) {
      reporter.error(
        'bad-value',
        spanOf(device ?? ''),
        `the ${what} ${word} is longer than ${NAME_MAX} characters: the kernel refuses it`,
        what === 'label' ? `shorten the part after ${name}:` : form,
      );
      return undefined;
    }
  return {
    family,
    address,
    ...(length === undefined ? {} : {prefixLength: length}),
    ...(name ? {device: name} : {}),
    ...(name && label ? {label: `${name}:${label}`} : {}),
    ...(broadcast === undefined ? {} : {broadcast}),
  };
}
