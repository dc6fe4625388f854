/** A server of TLS 1.3 that goes on with whatever a test wants behind its handshake (RFC 8446); TLS_AES_128_GCM_SHA256, X25519. */
import {
  createCipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import type net from 'node:net';
import {cert, key} from './tls.fixture.ts';

export const [HANDSHAKE, APPLICATION] = [22, 23] as const;
const HASH = 32;

/** A vector with a length of so many octets in front. */
export function vector(size: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(size);
  head.writeUIntBE(body.length, 0, size);
  return Buffer.concat([head, body]);
}
export const message = (type: number, ...parts: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.of(type), vector(3, ...parts)]);

const extract = (salt: Buffer, input: Buffer): Buffer => createHmac('sha256', salt).update(input).digest();
const hashOf = (...parts: readonly Buffer[]): Buffer =>
  createHash('sha256').update(Buffer.concat(parts)).digest();

/** HKDF-Expand-Label: HKDF's second half only, so HMAC is called by hand. */
function expand(secret: Buffer, label: string, context: Buffer, length: number): Buffer {
  const size = Buffer.alloc(2);
  size.writeUInt16BE(length);
  const info = Buffer.concat([size, vector(1, Buffer.from(`tls13 ${label}`)), vector(1, context)]);
  return createHmac('sha256', secret).update(info).update(Buffer.of(1)).digest().subarray(0, length);
}

/** What a side sends under one secret after another. */
class Writer {
  #secret: Buffer<ArrayBufferLike>;
  #sequence = 0;
  #key: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  #iv: Buffer<ArrayBufferLike> = Buffer.alloc(0);

  constructor(secret: Buffer) {
    this.#secret = secret;
    this.#use(secret);
  }

  #use(secret: Buffer): void {
    this.#secret = secret;
    this.#sequence = 0;
    this.#key = expand(secret, 'key', Buffer.alloc(0), 16);
    this.#iv = expand(secret, 'iv', Buffer.alloc(0), 12);
  }

  record(type: number, content: Buffer): Buffer {
    const nonce = Buffer.from(this.#iv);
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ this.#sequence) >>> 0, 8);
    this.#sequence += 1;
    const head = Buffer.of(APPLICATION, 3, 3, 0, 0);
    head.writeUInt16BE(content.length + 1 + 16, 3);
    const cipher = createCipheriv('aes-128-gcm', this.#key, nonce).setAAD(head);
    const sealed = Buffer.concat([cipher.update(Buffer.concat([content, Buffer.of(type)])), cipher.final()]);
    return Buffer.concat([head, sealed, cipher.getAuthTag()]);
  }

  /** Application data of no octets, padded to the length of a record. */
  padding(): Buffer {
    return this.record(0, Buffer.concat([Buffer.of(APPLICATION), Buffer.alloc(16_000)]));
  }

  /** A KeyUpdate, and from then on the next keys. */
  update(requested: boolean): Buffer {
    const record = this.record(HANDSHAKE, message(24, Buffer.of(requested ? 1 : 0)));
    this.#use(expand(this.#secret, 'traffic upd', Buffer.alloc(0), HASH));
    return record;
  }
}

/** The parts of a ClientHello that matter here. */
function readHello(hello: Buffer): {readonly session: Buffer; readonly share: Buffer} {
  const sessionEnd = 39 + (hello[38] ?? 0);
  const session = hello.subarray(39, sessionEnd);
  let at = sessionEnd + 2 + hello.readUInt16BE(sessionEnd);
  at += 1 + (hello[at] ?? 0) + 2;
  while (at < hello.length) {
    const [type, length] = [hello.readUInt16BE(at), hello.readUInt16BE(at + 2)];
    if (type === 51)
      for (let share = at + 6; share < at + 4 + length; share += 4 + hello.readUInt16BE(share + 2))
        if (hello.readUInt16BE(share) === 0x1d)
          return {session, share: hello.subarray(share + 4, share + 36)};
    at += 4 + length;
  }
  throw new Error('no share of X25519');
}

const X25519_HEAD = Buffer.from('302a300506032b656e032100', 'hex');

/** Shakes hands; what `then` gets writes application data and messages. */
export function handshake13(socket: net.Socket, then: (writer: Writer) => void): void {
  let came = Buffer.alloc(0);
  const onData = (octets: Buffer): void => {
    came = Buffer.concat([came, octets]);
    if (came.length < 5 || came.length < 5 + came.readUInt16BE(3)) return;
    socket.off('data', onData);
    socket.resume();
    const hello = came.subarray(5, 5 + came.readUInt16BE(3));
    const {session, share} = readHello(hello);
    const own = generateKeyPairSync('x25519');
    const shared = diffieHellman({
      privateKey: own.privateKey,
      publicKey: createPublicKey({key: Buffer.concat([X25519_HEAD, share]), format: 'der', type: 'spki'}),
    });
    const ours = own.publicKey.export({format: 'der', type: 'spki'}).subarray(-32);
    const serverHello = message(
      2,
      Buffer.of(3, 3),
      randomBytes(32),
      vector(1, session),
      Buffer.of(0x13, 1, 0),
      vector(
        2,
        Buffer.of(0, 43, 0, 2, 3, 4),
        Buffer.of(0, 51),
        vector(2, Buffer.of(0, 0x1d), vector(2, ours)),
      ),
    );
    const zero = Buffer.alloc(HASH);
    const none = hashOf();
    const early = extract(Buffer.alloc(HASH), zero);
    const secret = extract(expand(early, 'derived', none, HASH), shared);
    const sealing = expand(secret, 's hs traffic', hashOf(hello, serverHello), HASH);
    const extensions = message(8, vector(2));
    const certificate = message(
      11,
      Buffer.of(0),
      vector(3, vector(3, new X509Certificate(cert).raw), Buffer.of(0, 0)),
    );
    const before = [hello, serverHello, extensions, certificate];
    const signed = Buffer.concat([
      Buffer.alloc(64, 0x20),
      Buffer.from('TLS 1.3, server CertificateVerify\0'),
      hashOf(...before),
    ]);
    const verify = message(15, Buffer.of(4, 3), vector(2, sign('sha256', signed, createPrivateKey(key))));
    const proof = createHmac('sha256', expand(sealing, 'finished', Buffer.alloc(0), HASH))
      .update(hashOf(...before, verify))
      .digest();
    const finished = message(20, proof);
    const head = Buffer.of(HANDSHAKE, 3, 3, serverHello.length >> 8, serverHello.length & 255);
    const flight = new Writer(sealing).record(
      HANDSHAKE,
      Buffer.concat([extensions, certificate, verify, finished]),
    );
    socket.write(Buffer.concat([head, serverHello, flight]));
    const main = extract(expand(secret, 'derived', none, HASH), zero);
    then(new Writer(expand(main, 's ap traffic', hashOf(...before, verify, finished), HASH)));
  };
  socket.on('data', onData);
}

export type {Writer};

/** A NewSessionTicket of one octet. */
export const ticket = (): Buffer =>
  message(4, Buffer.alloc(8, 1), vector(1), vector(2, Buffer.of(1)), vector(2));
