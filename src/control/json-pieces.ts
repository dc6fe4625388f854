/** JSON in pieces: a long answer is written as the client reads it, and is never in memory as a whole. Pure. */

/** Items of a long list per piece. */
const GROUP = 64;
/** Minimum characters of a piece, except the last. */
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

/** JSON.stringify for plain data, in pieces of about ten thousand characters. */
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
