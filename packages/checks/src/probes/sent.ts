/** Hides sent data in reasons: servers echo it (redis: `unknown command, with args beginning with …`), passwords included. Pure. */
import type {CheckSpec} from '../messages.ts';

/** Shorter words occur in any answer. */
const SHORTEST = 4;
const SHORTEST_WORD = 6;
const HIDDEN = '…';

/** Characters of a reason that are searched: far more than are shown. A hostile server may fill it with 256 KiB. */
const TAKEN_MAX = 1 << 12;

const known = new WeakMap<CheckSpec, readonly Secret[]>();

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

/** Small letters, character by character, so that all places stay where they are. */
function foldedOf(text: string): string {
  const folded = text.toLowerCase();
  if (folded.length === text.length) return folded;
  return text.replaceAll(/[^]/gu, (character) => {
    const small = character.toLowerCase();
    return small.length === character.length ? small : character;
  });
}

/** Marks the end of a quotation, or of a text that was cut off. */
const ENDS = ['"', '…"', '...'];

interface Secret {
  readonly text: string;
  /** For each length, the next shorter beginning that is also its end (Knuth, Morris and Pratt). */
  readonly borders: readonly number[];
}

function bordersOf(text: string): number[] {
  const borders = [0];
  for (let at = 1, length = 0; at < text.length; at += 1) {
    while (length > 0 && text[at] !== text[length]) length = borders[length - 1] ?? 0;
    if (text[at] === text[length]) length += 1;
    borders.push(length);
  }
  return borders;
}

/** The spans of a secret, and of its beginning if a quotation or the text ends with it. Each character is looked at once. */
function spansOf(folded: string, {text, borders}: Secret): [number, number][] {
  const spans: [number, number][] = [];
  let length = 0;
  for (let at = 0; at < folded.length; at += 1) {
    while (length > 0 && folded[at] !== text[length]) length = borders[length - 1] ?? 0;
    if (folded[at] === text[length]) length += 1;
    const end = at + 1;
    if (length === text.length) {
      spans.push([end - length, end]);
      length = 0;
    } else if (length >= SHORTEST && (end === TAKEN_MAX || ENDS.some((mark) => folded.startsWith(mark, end))))
      spans.push([end - length, end]);
  }
  return spans;
}

function secretsOf(spec: CheckSpec): readonly Secret[] {
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
  const secrets = [...new Set(all.flatMap(echoesOf).map(foldedOf))]
    .filter((text) => text.length >= SHORTEST)
    .map((text) => ({text, borders: bordersOf(text)}));
  known.set(spec, secrets);
  return secrets;
}

/** The reason without the check's login data; a secret cut off at the end of a quotation is hidden too. Case is ignored. */
export function withoutSent(reason: string, spec: CheckSpec): string {
  const taken = reason.slice(0, TAKEN_MAX);
  const folded = foldedOf(taken);
  const spans = secretsOf(spec)
    .flatMap((secret) => spansOf(folded, secret))
    .toSorted(([left], [right]) => left - right);
  let [shown, from] = ['', 0];
  for (const [start, end] of spans) {
    if (start >= from) shown += taken.slice(from, start) + HIDDEN;
    from = Math.max(from, end);
  }
  return shown + taken.slice(from);
}
