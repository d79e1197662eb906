import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A certificate for this machine that signs itself, and its key, both PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/**
 * Makes a certificate for 127.0.0.1 and localhost that is good for a day: for servers of tests whose clients refuse plain
 * http. Whoever is to believe it must be told so. Node makes none, and openssl need not be installed.
 *
 * @see https://www.rfc-editor.org/rfc/rfc5280#section-4.1
 */
export function makeCertificate(nowMs = Date.now()): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(objectId('2a8648ce3d040302')); // ecdsa-with-SHA256
  const name = sequence(set(sequence(objectId('550403'), tagged(0x0c, Buffer.from('stowage test')))));
  const validity = sequence(utcTime(nowMs - 3_600_000), utcTime(nowMs + 86_400_000));
  const subjectNames = sequence(
    tagged(0x87, Buffer.from([127, 0, 0, 1])),
    tagged(0x82, Buffer.from('localhost')),
  );
  const extensions = sequence(
    sequence(objectId('551d13'), TRUE, octets(sequence(TRUE))), // basicConstraints: a CA, its own
    sequence(objectId('551d11'), octets(subjectNames)), // subjectAltName
  );
  const toSign = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    name,
    validity,
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, extensions),
  );
  const signature = sign('sha256', toSign, privateKey);
  const certificate = sequence(toSign, algorithm, tagged(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const lines = certificate.toString('base64').replaceAll(/(.{64})/g, '$1\n');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines.trimEnd()}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** DER: a tag, a length, a value (X.690 §8.1). */
function tagged(tag: number, value: Uint8Array): Buffer {
  const length = value.byteLength;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), value]);
  const bytes = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...bytes]), value]);
}

const TRUE = Buffer.from([0x01, 0x01, 0xff]);
const sequence = (...parts: readonly Uint8Array[]) => tagged(0x30, Buffer.concat(parts));
const set = (...parts: readonly Uint8Array[]) => tagged(0x31, Buffer.concat(parts));
const octets = (value: Uint8Array) => tagged(0x04, value);
const integer = (value: Uint8Array) => tagged(0x02, value);
const objectId = (hex: string) => tagged(0x06, Buffer.from(hex, 'hex'));

function utcTime(ms: number): Buffer {
  const text = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return tagged(0x17, Buffer.from(text.slice(2)));
}
