/** Hides sent data in reasons: servers echo it (redis: `unknown command, with args beginning with …`), passwords included. Pure. */
import type {CheckSpec} from '../messages.ts';

/** Shorter words occur in any answer. */
const SHORTEST = 4;
const SHORTEST_WORD = 6;
const HIDDEN = '…';

const known = new WeakMap<CheckSpec, readonly string[]>();

/** The parts of a request after its first word: `AUTH password`, the query of a path, and each of their words. */
function partsOf(sent: string): string[] {
  const text = sent.trim();
  const rest = /\s(.*)$/s.exec(text)?.[1] ?? '';
  const query = /\?(.*)$/s.exec(text)?.[1] ?? '';
  const words = [
    ...rest.split(/[\s'"]+/),
    ...query.split(/[&\s]+/).flatMap((pair) => [pair, pair.replace(/^[^=]*=/, '')]),
  ];
  const segments = text.split('/').filter((segment) => /^(?=.*\d)[\w-]{16,}$/.test(segment));
  return [
    ...segments,
    rest.trim(),
    query,
    ...words.filter((word) => word.length >= SHORTEST_WORD && !/^[A-Z/.]+[\d.]*$/.test(word)),
  ];
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** How servers repeat a text: as JSON, in an address, in a page. */
const echoesOf = (text: string): string[] => [
  text,
  JSON.stringify(text).slice(1, -1),
  encodeURIComponent(text.toWellFormed()),
  text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character),
];

/** Case is ignored: some repeat a command in capitals. */
function hide(text: string, secret: string, end = ''): string {
  const wanted = (secret + end).toLowerCase();
  const folded = text.toLowerCase();
  // A letter whose small form has another length moves all places behind it.
  if (folded.length !== text.length) return text.replaceAll(secret + end, HIDDEN + end);
  let [shown, from] = ['', 0];
  for (let at = folded.indexOf(wanted); at !== -1; at = folded.indexOf(wanted, from)) {
    shown += text.slice(from, at) + HIDDEN + end;
    from = at + wanted.length;
  }
  return shown + text.slice(from);
}

function secretsOf(spec: CheckSpec): readonly string[] {
  const before = known.get(spec);
  if (before) return before;
  const {passwd, secret, request, sendExpect} = spec;
  const plain = [passwd, secret].flatMap((text) =>
    text === undefined
      ? []
      : [
          text,
          ...(text.length < SHORTEST_WORD
            ? []
            : [Buffer.from(text).toString('base64'), Buffer.from(text).toString('hex')]),
        ],
  );
  const all = [
    ...plain,
    ...[request, sendExpect?.send].flatMap((text) => (text === undefined ? [] : partsOf(text))),
  ];
  const secrets = [...new Set(all.flatMap(echoesOf))]
    .filter((text) => text.length >= SHORTEST)
    .toSorted((left, right) => right.length - left.length);
  known.set(spec, secrets);
  return secrets;
}

/** The reason without the check's login data; a secret cut off at the end of a quotation is hidden too. */
export function withoutSent(reason: string, spec: CheckSpec): string {
  let shown = reason;
  for (const secret of secretsOf(spec)) {
    shown = hide(shown, secret);
    if (!shown.includes('"')) continue;
    for (let length = secret.length - 1; length >= SHORTEST; length -= 1)
      for (const end of ['"', '…"', '...']) shown = hide(shown, secret.slice(0, length), end);
  }
  return shown;
}
