import type { AuditReport } from '../../catalog/catalog.ts';
import { type Command, EXIT } from '../command.ts';
import type { Terminal } from '../terminal.ts';

/** Recomputes the hash chain of the access log. */
export const auditVerifyCommand: Command = {
  name: 'audit verify',
  summary: 'Prove that no sealed entry of the access log was changed, or name the first that was.',
  flags: {},
  secrets: [],
  positionals: [],
  async run(context) {
    const config = await context.loadConfig();
    const { openCommandCatalog } = await import('../../service/command-parts.ts');
    await using opened = await openCommandCatalog(config, context);
    const report = await opened.catalog.verifyAccessLog({
      signal: context.signal,
      onProgress: (checked) => context.terminal.progress(`${checked} entries checked`),
    });
    if (context.json) await context.terminal.print(JSON.stringify(auditJson(report)));
    else await showAudit(report, context.terminal);
    return report.broken === null ? EXIT.done : EXIT.findings;
  },
};

/** What `audit verify --json` prints. */
export function auditJson({ entries, sealed, seals, head, broken }: AuditReport): object {
  return {
    ok: broken === null,
    entries,
    sealed,
    seals,
    head,
    broken: broken && { entry_id: broken.entryId, seal_id: broken.sealId, problem: broken.problem },
  };
}

/** Shows what was verified; of a broken log first where. */
export async function showAudit(report: AuditReport, terminal: Terminal): Promise<void> {
  const { entries, sealed, seals, head, broken } = report;
  const counted = `${entries} entries, ${sealed} of them sealed by ${seals} seals.`;
  if (broken !== null) {
    await terminal.print(
      terminal.paint('red', `The log is broken at entry ${broken.entryId ?? 'unknown'}: ${broken.problem}`),
    );
    await terminal.print(`Whole before that: ${counted}`);
    return;
  }
  await terminal.print(counted);
  if (head !== null) await terminal.print(`Head: ${head} (keep it elsewhere)`);
  await terminal.print(terminal.paint('green', 'The log is whole.'));
}

/** Writes the access log as NDJSON. */
export const auditExportCommand: Command = {
  name: 'audit export',
  summary:
    'Write the access log to standard output, one JSON object per line, oldest first, with its hashes.',
  flags: {},
  secrets: [],
  positionals: [],
  async run(context) {
    const config = await context.loadConfig();
    const { openCommandCatalog } = await import('../../service/command-parts.ts');
    await using opened = await openCommandCatalog(config, context);
    for await (const entry of opened.catalog.exportAccessLog(context.signal)) {
      await context.terminal.print(
        JSON.stringify({
          entry_id: entry.entryId,
          at: new Date(entry.atMs).toISOString(),
          action: entry.action,
          outcome: entry.outcome,
          reason: entry.reason,
          tenant_id: entry.tenantId,
          user_id: entry.userId,
          asset_id: entry.assetId,
          asset_type: entry.assetType,
          key: entry.key,
          ip_address: entry.ipAddress,
          user_agent: entry.userAgent,
          storage_backend: entry.storageBackend,
          request_id: entry.requestId,
          entry_hash: entry.entryHash,
          seal_id: entry.sealId,
        }),
      );
    }
    return EXIT.done;
  },
};
