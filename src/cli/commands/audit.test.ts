import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditReport } from '../../catalog/catalog.ts';
import { openTerminal } from '../terminal.ts';
import { auditJson, showAudit } from './audit.ts';

const WHOLE: AuditReport = { entries: 7, sealed: 5, seals: 2, head: 'ab12', broken: null };

async function shown(report: AuditReport): Promise<string[]> {
  let text = '';
  const stream = {
    write(written: string) {
      text += written;
      return true;
    },
    once: () => undefined,
  };
  await showAudit(report, openTerminal({ output: stream, messages: stream, colour: false, now: () => 0 }));
  return text.trimEnd().split('\n');
}

test('a log that is whole is shown with its head', async () => {
  assert.deepEqual(await shown(WHOLE), [
    '7 entries, 5 of them sealed by 2 seals.',
    'Head: ab12 (keep it elsewhere)',
    'The log is whole.',
  ]);
});

test('of a broken log the place comes first, what was counted is said to lie before it, and no head is to be kept', async () => {
  const broken = { entryId: '6', sealId: 3, problem: 'Entry 6 was altered.' };
  assert.deepEqual(await shown({ ...WHOLE, broken }), [
    'The log is broken at entry 6: Entry 6 was altered.',
    'Whole before that: 7 entries, 5 of them sealed by 2 seals.',
  ]);
});

test('as JSON it has the names that audit export has', () => {
  const broken = { entryId: '6', sealId: 3, problem: 'Entry 6 was altered.' };
  assert.deepEqual(auditJson(WHOLE), { ok: true, ...WHOLE });
  assert.deepEqual(auditJson({ ...WHOLE, broken }), {
    ...{ ok: false, entries: 7, sealed: 5, seals: 2, head: 'ab12' },
    broken: { entry_id: '6', seal_id: 3, problem: 'Entry 6 was altered.' },
  });
});
