import { KIB } from '../../core/bytes.ts';
import { StowageError } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/key.ts';
import type { MultipartUpload, PartReceipt, WriteOptions } from '../backend.ts';
import { MemoryBackend } from '../memory/backend.ts';
import { brokenDown, unheardOnTheWay, untilItBreaks } from './broken-drivers.ts';

// Each class breaks the memory backend in one way, to prove that the law book notices.

/** A memory backend whose uploads in parts err. */
abstract class Mispiecing extends MemoryBackend {
  override resumeMultipart(key: ObjectKey, uploadId: string, options: WriteOptions): MultipartUpload {
    const right = super.resumeMultipart(key, uploadId, options);
    return {
      uploadId,
      putPart: (partNumber, body, how) => right.putPart(partNumber, body, how),
      signPart: (partNumber, how) => right.signPart(partNumber, how),
      listParts: (how) => right.listParts(how),
      complete: (parts, how) => right.complete(parts, how),
      abort: (how) => right.abort(how),
      ...this.err(right),
    };
  }

  protected abstract err(right: MultipartUpload): Partial<MultipartUpload>;
}

/** Joins parts in the order in which they came. */
export class JoinsPartsAsTheyCame extends Mispiecing {
  protected override err(right: MultipartUpload): Partial<MultipartUpload> {
    const bySize = (a: PartReceipt, b: PartReceipt) => a.sizeBytes - b.sizeBytes;
    return { complete: (parts, how) => right.complete([...parts].sort(bySize), how) };
  }
}

/** Wants of the last part what it may want of the others. */
export class LastPartMustBeLarge extends Mispiecing {
  protected override err(right: MultipartUpload): Partial<MultipartUpload> {
    return {
      complete: async (parts, how) => {
        const small = parts.some(({ sizeBytes }) => sizeBytes < KIB);
        if (small) throw new StowageError('invalid_parameter', 'A part is smaller than 1 KiB.');
        return right.complete(parts, how);
      },
    };
  }
}

export class FirstTryWins extends Mispiecing {
  protected override err(right: MultipartUpload): Partial<MultipartUpload> {
    const taken = new Map<number, PartReceipt>();
    return {
      putPart: async (partNumber, body, how) => {
        const part = taken.get(partNumber) ?? (await right.putPart(partNumber, body, how));
        taken.set(partNumber, part);
        return part;
      },
    };
  }
}

export class TellsHalfTheUploadId extends Mispiecing {
  protected override err(right: MultipartUpload): Partial<MultipartUpload> {
    return { uploadId: right.uploadId.slice(0, 18) };
  }
}

export class JoinsWhatIsThere extends Mispiecing {
  protected override err(right: MultipartUpload): Partial<MultipartUpload> {
    return {
      complete: async (parts, how) => {
        const there = (await right.listParts({})).map(({ partNumber }) => partNumber);
        const found = parts.filter(({ partNumber }) => there.includes(partNumber));
        return right.complete(found, how);
      },
    };
  }
}

export class CompleteIgnoresCreate extends Mispiecing {
  protected override err(right: MultipartUpload): Partial<MultipartUpload> {
    return { complete: (parts, how) => right.complete(parts, { ...how, mode: 'replace' }) };
  }
}

export class TakesAnyPartSize extends Mispiecing {
  protected override err(right: MultipartUpload): Partial<MultipartUpload> {
    return {
      putPart: (partNumber, body, how) => right.putPart(partNumber, untilItBreaks(body), how),
    };
  }
}

export class IgnoresSignalWhilePuttingParts extends Mispiecing {
  protected override err(right: MultipartUpload): Partial<MultipartUpload> {
    return {
      putPart: (partNumber, body, how) => right.putPart(partNumber, body, unheardOnTheWay(how)),
    };
  }
}

export class AbortedCompleteIsABreakdown extends Mispiecing {
  protected override err(right: MultipartUpload): Partial<MultipartUpload> {
    return { complete: (parts, how) => brokenDown(right.complete(parts, how), how) };
  }
}

export class AbortKeepsParts extends Mispiecing {
  protected override err(): Partial<MultipartUpload> {
    return { abort: async () => {} };
  }
}
