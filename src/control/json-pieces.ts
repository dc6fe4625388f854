/** JSON in pieces: a long answer is written as the client reads it, and never stands in memory as a whole. Pure. */

/** Items of a long list that are written together. */
const GROUP = 64;
/** Characters of a piece, at least, apart from the last one. */
const PIECE = 32 * 1024;

const isLong = (value: unknown): boolean => Array.isArray(value) && value.length > GROUP;
const hasLong = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && (isLong(value) || Object.values(value).some(isLong));

function* parts(value: unknown): Generator<string> {
  if (Array.isArray(value)) {
    const step = value.some(hasLong) ? 1 : GROUP;
    yield '[';
    for (let index = 0; index < value.length; index += step) {
      if (index > 0) yield ',';
      if (step === 1) yield* parts(value[index]);
      else yield JSON.stringify(value.slice(index, index + step)).slice(1, -1);
    }
    yield ']';
  } else if (typeof value === 'object' && value !== null) {
    yield '{';
    let first = true;
    for (const [key, item] of Object.entries(value)) {
      if (item === undefined) continue;
      yield `${first ? '' : ','}${JSON.stringify(key)}:`;
      yield* parts(item);
      first = false;
    }
    yield '}';
  } else yield JSON.stringify(value) ?? 'null';
}

/** What JSON.stringify gives for plain data, in pieces of some ten thousand characters. */
export function* jsonPieces(value: unknown): Generator<string> {
  let piece = '';
  for (const part of parts(value)) {
    piece += part;
    if (piece.length < PIECE) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}
