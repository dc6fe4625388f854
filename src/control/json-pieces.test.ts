/** The pieces of an answer join to its JSON, and each is small. */
import test from 'ava';
import fc from 'fast-check';
import {jsonPieces} from './json-pieces.ts';

const together = (value: unknown): string => [...jsonPieces(value)].join('');

test('the pieces of any JSON value equal JSON.stringify’s output', (t) => {
  fc.assert(fc.property(fc.jsonValue(), (value) => together(value) === JSON.stringify(value)));
  t.is(together({a: undefined, b: [undefined], c: null}), '{"b":[null],"c":null}');
});

test('long lists, nested ones too, are split into pieces', (t) => {
  const text = 'x'.repeat(100);
  const event = (seq: number) => ({seq, text, data: {a: [1, 2]}});
  const events = {events: Array.from({length: 10_000}, (_, seq) => event(seq))};
  const status = {virtuals: [{name: 'v', reals: Array.from({length: 10_000}, (_, seq) => event(seq))}]};
  for (const value of [events, status, Array.from({length: 200}, () => [text])]) {
    t.is(together(value), JSON.stringify(value));
    for (const piece of jsonPieces(value)) t.true(piece.length < 64 * 1024, `${piece.length}`);
  }
});
