import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { type ObjectKey, parseObjectKey } from '../../core/key.ts';
import { silentLog } from '../../core/log.ts';
import type { SignedUrl, SignedWrite, SignReadOptions, SignWriteOptions } from '../backend.ts';
import { type RequestHandler, serveSignedUrls } from '../local/serve.ts';
import { createSignedUrls, type SignedUrls } from '../local/signed-urls.ts';
import { MemoryBackend } from '../memory/backend.ts';
import type { MemoryBackendOptions } from '../memory/options.ts';

// Each class breaks the memory backend in one way, to prove that the law book notices.

export class SignsForTheMoment extends MemoryBackend {
  override signRead(key: ObjectKey, options: SignReadOptions): Promise<SignedUrl> {
    // Steps of a second away from the window's start, as if the time were not rounded down.
    const seconds = Math.floor((options.nowMs % 300_000) / 1000);
    const lifetimeSeconds = options.lifetimeSeconds + seconds;
    return super.signRead(key, { ...options, lifetimeSeconds });
  }
}

/** Gives a URL for writing to whom it should give one for reading. */
export class SignsForTheWrongPurpose extends MemoryBackend {
  override async signRead(key: ObjectKey, options: SignReadOptions): Promise<SignedUrl> {
    const { url, expiresAtMs } = await super.signWrite(key, {
      ...options,
      cacheControl: '',
      metadata: {},
      sizeBytes: 1,
      sha256: null,
    });
    return { url, expiresAtMs };
  }
}

export class LeavesDelimitersInThePath extends MemoryBackend {
  override async signRead(key: ObjectKey, options: SignReadOptions): Promise<SignedUrl> {
    const { url, expiresAtMs } = await super.signRead(key, options);
    return { url: url.replace(/%3F|%23/g, decodeURIComponent), expiresAtMs };
  }
}

/** A memory backend whose server errs about its URLs. */
abstract class Misverifying extends MemoryBackend {
  override readonly serve: RequestHandler;

  constructor(options: MemoryBackendOptions) {
    const signingSecrets = ['the secret of a server that errs, 32+'];
    super({ ...options, signingSecrets });
    const right = createSignedUrls({ publicUrl: options.publicUrl ?? '', signingSecrets });
    const clock = { now: () => Date.now() };
    const urls = { ...right, ...this.err(right) };
    const serve = serveSignedUrls({ backend: this, urls, clock, log: silentLog });
    this.serve = (request, response) => {
      this.meet(request, response);
      return serve(request, response);
    };
  }

  /** What the server believes. */
  protected err(_right: SignedUrls): Partial<SignedUrls> {
    return {};
  }

  /** What becomes of a request and its answer on their way. */
  protected meet(_request: IncomingMessage, _response: ServerResponse): void {}
}

export class ReadUrlWrites extends Misverifying {
  protected override err(right: SignedUrls): Partial<SignedUrls> {
    return {
      verifyWrite: (target, nowMs) => {
        if (target.includes('size=')) return right.verifyWrite(target, nowMs);
        const { key, expiresAtMs } = right.verifyRead(target, nowMs);
        const sizeBytes = 'overwritten'.length;
        return {
          key,
          expiresAtMs,
          contentType: 'text/plain',
          cacheControl: '',
          metadata: {},
          sizeBytes,
          sha256: null,
        };
      },
    };
  }
}

export class WriteUrlReads extends Misverifying {
  protected override err(right: SignedUrls): Partial<SignedUrls> {
    return {
      verifyRead: (target, nowMs) => {
        if (!target.includes('size=')) return right.verifyRead(target, nowMs);
        const { key, expiresAtMs, contentType } = right.verifyWrite(target, nowMs);
        return { key, expiresAtMs, contentType, contentDisposition: 'inline', grant: null };
      },
    };
  }
}

export class NeverExpires extends Misverifying {
  protected override err(right: SignedUrls): Partial<SignedUrls> {
    return {
      verifyRead: (target) => right.verifyRead(target, 0),
      verifyWrite: (target) => right.verifyWrite(target, 0),
      verifyPart: (target) => right.verifyPart(target, 0),
    };
  }
}

export class IgnoresTheSignedKey extends Misverifying {
  protected override err(right: SignedUrls): Partial<SignedUrls> {
    return {
      verifyRead: (target, nowMs) => asOfTheFirst(target, (tried) => right.verifyRead(tried, nowMs)),
      verifyWrite: (target, nowMs) => asOfTheFirst(target, (tried) => right.verifyWrite(tried, nowMs)),
    };
  }
}

/** The laws' second object has the first one's query: verify it as that, then take the second. */
function asOfTheFirst<Claims extends { readonly key: ObjectKey }>(
  target: string,
  verify: (target: string) => Claims,
): Claims {
  try {
    return verify(target);
  } catch (error) {
    if (!target.includes('/b?')) throw error;
    const claims = verify(target.replace('/b?', '/a?'));
    return { ...claims, key: parseObjectKey(claims.key.replace(/a$/, 'b')) };
  }
}

/** Binds nothing but the empty text of two parameters, and believes the text that comes. */
export class LeavesParametersUnsigned extends Misverifying {
  override async signRead(key: ObjectKey, options: SignReadOptions): Promise<SignedUrl> {
    const signed = await super.signRead(key, { ...options, contentDisposition: '' });
    return { ...signed, url: withText(signed.url, 'disposition', options.contentDisposition) };
  }
  override async signWrite(key: ObjectKey, options: SignWriteOptions): Promise<SignedWrite> {
    const signed = await super.signWrite(key, { ...options, cacheControl: '' });
    return { ...signed, url: withText(signed.url, 'cache', options.cacheControl) };
  }
  protected override err(right: SignedUrls): Partial<SignedUrls> {
    return {
      verifyRead: (target, nowMs) => ({
        ...right.verifyRead(withText(target, 'disposition', ''), nowMs),
        contentDisposition: textOf(target, 'disposition'),
      }),
      verifyWrite: (target, nowMs) => ({
        ...right.verifyWrite(withText(target, 'cache', ''), nowMs),
        cacheControl: textOf(target, 'cache'),
      }),
    };
  }
}

/** The URL with another text for a parameter that it has. */
function withText(url: string, name: string, text: string): string {
  return url.replace(new RegExp(`(?<=[?&]${name}=)[^&]*`), encodeURIComponent(text));
}

function textOf(target: string, name: string): string {
  return new URLSearchParams(target.slice(target.indexOf('?'))).get(name) ?? '';
}

export class ForgetsTheDisposition extends Misverifying {
  protected override err(right: SignedUrls): Partial<SignedUrls> {
    return {
      verifyRead: (target, nowMs) => ({
        ...right.verifyRead(target, nowMs),
        contentDisposition: 'attachment',
      }),
    };
  }
}

/** As a store does that tells nobody what it lacks. */
export class MissingIsForbidden extends Misverifying {
  protected override meet(_request: IncomingMessage, response: ServerResponse): void {
    const writeHead = response.writeHead.bind(response);
    const forbidding = (status: number, headers?: OutgoingHttpHeaders) =>
      writeHead(status === 404 ? 403 : status, headers);
    Object.assign(response, { writeHead: forbidding });
  }
}

export class TakesAnySignedSize extends Misverifying {
  protected override err(right: SignedUrls): Partial<SignedUrls> {
    let seen = 0;
    return {
      verifyWrite: (target, nowMs) => {
        const claims = right.verifyWrite(target, nowMs);
        if (claims.sizeBytes !== 5 || claims.contentType !== 'text/plain') return claims;
        seen += 1;
        // The second wrong size that the law tries has four bytes.
        return seen === 2 ? { ...claims, sizeBytes: 4 } : claims;
      },
    };
  }
}

export class TakesAnySignedType extends Misverifying {
  protected override meet(request: IncomingMessage): void {
    if (request.method === 'PUT') request.headers['content-type'] = textOf(request.url ?? '', 'type');
  }
}

/** Takes the digest's hexadecimal text for the digest. */
export class ComparesTheDigestsText extends Misverifying {
  protected override err(right: SignedUrls): Partial<SignedUrls> {
    return {
      verifyWrite: (target, nowMs) => {
        const claims = right.verifyWrite(target, nowMs);
        return { ...claims, sha256: claims.sha256 && Buffer.from(claims.sha256.toString('hex')) };
      },
    };
  }
}

export class CountsPartsFromZero extends Misverifying {
  protected override err(right: SignedUrls): Partial<SignedUrls> {
    return {
      verifyPart: (target, nowMs) => {
        const claims = right.verifyPart(target, nowMs);
        return { ...claims, partNumber: claims.partNumber - 1 };
      },
    };
  }
}

export class ServesWithoutSignature extends Misverifying {
  protected override err(right: SignedUrls): Partial<SignedUrls> {
    return {
      verifyRead: (target, nowMs) => {
        if (target.includes('?')) return right.verifyRead(target, nowMs);
        const key = parseObjectKey(decodeURIComponent(target.slice('/files/'.length)));
        return {
          key,
          expiresAtMs: nowMs,
          contentType: 'text/plain',
          contentDisposition: 'inline',
          grant: null,
        };
      },
    };
  }
}

/** Says that the store compares a digest that its URLs don't carry. */
export class SignsNoDigest extends MemoryBackend {
  override signWrite(key: ObjectKey, options: SignWriteOptions): Promise<SignedWrite> {
    return super.signWrite(key, { ...options, sha256: null });
  }
}

export class ForgetsTheSignedDigest extends Misverifying {
  protected override err(right: SignedUrls): Partial<SignedUrls> {
    return {
      verifyWrite: (target, nowMs) => ({ ...right.verifyWrite(target, nowMs), sha256: null }),
    };
  }
}

export class TakesAnyPartSize extends Misverifying {
  #sentBytes = 0;

  protected override meet(request: IncomingMessage): void {
    this.#sentBytes = Number(request.headers['content-length']);
  }
  protected override err(right: SignedUrls): Partial<SignedUrls> {
    return {
      verifyPart: (target, nowMs) => ({ ...right.verifyPart(target, nowMs), sizeBytes: this.#sentBytes }),
    };
  }
}
