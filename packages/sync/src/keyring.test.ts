import test from 'ava';
import {channelKeys, seal, type Sender} from '@hactl/channel';
import {makeKeyring, openAny, type Keyring} from './keyring.ts';

const ring = (secret: string, accepted: readonly string[]): Keyring =>
  makeKeyring({secret, accepted, cluster: 'cluster'});
const sender = (keys: Keyring): Sender => ({keys: keys.signing, sender: 1, incarnation: 1n, sequence: 0n});
const fits = (to: Keyring, from: Sender): boolean => openAny(to, 2, seal(from, Buffer.from('x'))).ok;

test('the other side accepts frames at every step of a key change', (t) => {
  // Listed on each side, used on each side, the old one dropped on each side.
  const steps = [
    ['old', ['old']],
    ['old', ['old', 'new']],
    ['new', ['old', 'new']],
    ['new', ['new']],
  ] as const;
  const rings = steps.map(([secret, accepted]) => ring(secret, accepted));
  for (const [step, sending] of rings.entries())
    for (const receiving of rings.slice(step, step + 2)) {
      const frameSender = sender(sending);
      t.true(fits(receiving, frameSender), `step ${step}`);
      t.true(fits(sending, sender(receiving)), `step ${step}, the other way`);
      t.is(frameSender.sequence, 1n);
    }
  t.false(fits(rings[3]!, sender(rings[0]!)));
});

test('the key that fitted last is tried first', (t) => {
  const keyring = ring('one', ['one', 'two', 'three']);
  t.true(fits(keyring, sender(ring('three', []))));
  t.deepEqual(keyring.accepted[0], channelKeys('sync', 'three', 'cluster'));
  t.is(keyring.accepted.length, 3);
  t.true(fits(keyring, sender(ring('one', []))));
});

test('an empty key next to a real one authenticates nobody; alone it is used', (t) => {
  const nobody = sender(ring('', []));
  t.false(fits(ring('one', ['', 'one']), nobody));
  t.true(fits(ring('', ['']), nobody));
});

test('faults other than a forgery keep their own code', (t) => {
  const keys = ring('one', ['one', 'two']);
  const opened = openAny(keys, 1, seal(sender(keys), Buffer.from('x')));
  t.is(opened.ok ? '' : opened.fault, 'own');
});
