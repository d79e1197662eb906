import { inspectInOrder } from '../byte-intake.ts';
import type { Inspector, InspectorFactory } from '../gate.ts';
import { refuse } from '../refusal.ts';
import { inspectPackage, officeKindOf } from './ooxml.ts';
import { passArchive } from './zip-archive.ts';
import { judgeEntryHead } from './zip-content.ts';
import { ArchiveBudget, NESTING_MAX } from './zip-limits.ts';

/** Judges ZIP archives; see `docs/reference/validation-documents.md` for the rules and limits. */
export const zipInspector: InspectorFactory = () => inspectArchive(new ArchiveBudget(), 1);

/** Judges an archive that lies inside `depth - 1` others; all of them share one budget. */
function inspectArchive(budget: ArchiveBudget, depth: number): Inspector {
  return inspectInOrder((intake) =>
    passArchive(intake, budget, {
      depth,
      meet({ name }) {
        if (depth === 1 && name.path === '[Content_Types].xml') throw isOffice();
      },
      open({ name }, head) {
        return judgeEntryHead(head) === 'zip' ? openNested(name.extension, budget, depth + 1) : undefined;
      },
    }),
  );
}

/** Archives and Office documents in an archive are judged as if they had come alone. */
function openNested(extension: string, budget: ArchiveBudget, depth: number): Inspector {
  if (depth > NESTING_MAX) {
    throw refuse(
      'zip.nested_too_deep',
      'suspicious_content',
      'The archive holds archives in archives too deep.',
    );
  }
  const kind = officeKindOf(extension);
  return kind === undefined ? inspectArchive(budget, depth) : inspectPackage(kind, budget, depth);
}

function isOffice() {
  return refuse(
    'zip.is_office',
    'file_type_mismatch',
    'The content is an Office document, not a plain archive.',
  );
}
