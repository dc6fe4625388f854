/** The console's self-signed certificate: generated at the first start, kept, and verified by its fingerprint. */
import {createHash, webcrypto, X509Certificate} from 'node:crypto';
import {existsSync, readFileSync} from 'node:fs';
// Required by the x509 package's dependency injection.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import type {WallTime} from '@hactl/base';
import {replaceFile} from '@hactl/base/files';

/** Ten years: nobody renews a self-signed certificate. */
const LIFE_MS = 3_650 * 86_400_000;

export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** SHA-256 of the certificate, as browsers show it. */
export const fingerprint = (cert: string): string => new X509Certificate(cert).fingerprint256;

/** Reads the certificate, or generates a self-signed one for `names`. Only the owner can read the key. */
export async function openCertificate(
  stateDir: string,
  names: readonly string[],
  now: WallTime,
): Promise<Certificate> {
  const [certFile, keyFile] = [`${stateDir}/console.crt`, `${stateDir}/console.key`];
  if (existsSync(certFile) && existsSync(keyFile))
    return {cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8')};
  const keys = await webcrypto.subtle.generateKey({name: 'ECDSA', namedCurve: 'P-256'}, true, [
    'sign',
    'verify',
  ]);
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: createHash('sha256')
      .update(`${names.join(' ')} ${now}`)
      .digest('hex')
      .slice(0, 16),
    name: `CN=${names[0] ?? 'hactl console'}`,
    notBefore: new Date(now - 86_400_000),
    notAfter: new Date(now + LIFE_MS),
    signingAlgorithm: {name: 'ECDSA', hash: 'SHA-256'},
    keys,
    extensions: [
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({type: /^[\d.]+$|:/.test(value) ? 'ip' : 'dns', value})),
      ),
      new x509.BasicConstraintsExtension(false, undefined, true),
    ],
  });
  const exported = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const key = `-----BEGIN PRIVATE KEY-----\n${exported.match(/.{1,64}/g)?.join('\n') ?? ''}\n-----END PRIVATE KEY-----\n`;
  const cert = made.toString('pem') + '\n';
  replaceFile(keyFile, key, 0o600);
  replaceFile(certFile, cert, 0o644);
  return {cert, key};
}
