/**
 * The token that admits a second director: fourteen random octets and a check octet against typos, as 24 letters and digits.
 * Too long to guess. Pure.
 */
import {createHash, hkdfSync} from 'node:crypto';

/** Without I, L, O and U, which are mistaken for other characters or form words. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const SECRET = 14;
const LETTERS = 24;
const LETTERED = new RegExp(`^[${ALPHABET}]{${LETTERS}}$`);

const checkOf = (secret: Uint8Array): number => createHash('sha256').update(secret).digest()[0] ?? 0;

/** For people: six groups of four. `secret`: 14 octets. */
export function tokenText(secret: Uint8Array): string {
  const octets = [...secret.subarray(0, SECRET), checkOf(secret.subarray(0, SECRET))];
  let number = octets.reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n);
  let letters = '';
  for (let index = 0; index < LETTERS; index += 1) {
    letters = (ALPHABET[Number(number & 31n)] ?? '') + letters;
    number >>= 5n;
  }
  return letters.match(/.{4}/g)?.join('-') ?? letters;
}

/** The secret of a token as typed, in any case and with any dashes; undefined: it has a typo. */
export function readToken(text: string): Uint8Array | undefined {
  const letters = text.toUpperCase().replace(/[\s-]/g, '').replace(/[IL]/g, '1').replaceAll('O', '0');
  if (!LETTERED.test(letters)) return undefined;
  let number = letters.split('').reduce((sum, letter) => (sum << 5n) | BigInt(ALPHABET.indexOf(letter)), 0n);
  const octets = new Uint8Array(SECRET + 1);
  for (let index = SECRET; index >= 0; index -= 1) {
    octets[index] = Number(number & 255n);
    number >>= 8n;
  }
  const secret = octets.subarray(0, SECRET);
  return checkOf(secret) === octets[SECRET] ? secret : undefined;
}

/** The joining side's TLS identity. Not secret. */
export const JOIN_IDENTITY = 'hactl-join-1';

/** A key derived for this purpose. */
export const tokenKey = (secret: Uint8Array): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, '', 'hactl join tls-psk', 32));

/** Octets of a new token's secret. */
export const TOKEN_OCTETS = SECRET;
