import type { Destroyed } from '../../provisioning/destroy.ts';
import type { Json } from '../../provisioning/json.ts';
import type { Plan } from '../../provisioning/plan.ts';
import type { Finding, Provider } from '../../provisioning/provider.ts';
import { type Command, type CommandArgs, type CommandContext, EXIT, UsageError } from '../command.ts';
import { findingLine, planLines } from '../provision-lines.ts';

const PROFILE = {
  profile: {
    type: 'string',
    value: 'NAME',
    summary: 'Profile of the shared AWS files that may change things.',
  },
} as const;
const YES = {
  yes: { type: 'boolean', summary: 'Change what exists without asking. Needed where nobody watches.' },
} as const;

/** Shows what apply would do. */
export const provisionPlanCommand: Command = {
  name: 'provision plan',
  summary:
    'Show, setting by setting, what apply would make or change. Nothing is changed; exit code 3 on drift.',
  flags: PROFILE,
  secrets: [],
  positionals: [],
  async run(context, args) {
    const { planProvisioning } = await import('../../provisioning/plan.ts');
    await using opened = await open(context, args);
    const plan = await planProvisioning(opened.provider, opened.options);
    await printPlan(context, plan);
    return plan.has_drift ? EXIT.findings : EXIT.done;
  },
};

/** Makes everything as the settings want it. */
export const provisionApplyCommand: Command = {
  name: 'provision apply',
  summary:
    'Make the store as the settings want it, then verify. What is right is left alone, so it can be repeated.',
  flags: { ...YES, ...PROFILE },
  secrets: [],
  positionals: [],
  async run(context, args) {
    const [{ applyProvisioning }, { verifyProvisioning, hasFailures }] = await Promise.all([
      import('../../provisioning/apply.ts'),
      import('../../provisioning/verify.ts'),
    ]);
    await using opened = await open(context, args);
    const { provider, options } = opened;
    const applied = await applyProvisioning(provider, {
      ...options,
      progress: (line) => context.terminal.progress(line),
      confirm: async (plan) => {
        if (!context.json) await printPlan(context, plan);
        return agreed(context, args, `Change ${provider.bucket}?`);
      },
    });
    if (!applied.agreed) {
      context.terminal.tell('Nothing was changed.');
      return EXIT.failed;
    }
    const findings = await verifyProvisioning(provider, {
      ...options,
      askers: ['operator', 'backend', 'stranger'],
      onFinding: ({ check }) => context.terminal.progress(`${check} asked`),
    });
    const notes = await provider.notes(context.signal);
    if (context.json)
      await context.terminal.print(JSON.stringify({ applied: applied.applied, findings, notes }));
    else {
      const { length } = applied.applied;
      await context.terminal.print(
        length === 0 ? 'Nothing had to be changed.' : `Made or changed: ${applied.applied.join(', ')}.`,
      );
      await printFindings(context, findings);
      for (const note of notes) await context.terminal.print(`→ ${note}`);
    }
    return hasFailures(findings) ? EXIT.findings : EXIT.done;
  },
};

/** Proves from outside that the store is as it should be. */
export const provisionVerifyCommand: Command = {
  name: 'provision verify',
  summary:
    'Ask the store as a stranger, the backend and the operator, and name what is wrong; exit code 3 on drift.',
  flags: PROFILE,
  secrets: [],
  positionals: [],
  async run(context, args) {
    const { hasFailures, verifyProvisioning } = await import('../../provisioning/verify.ts');
    await using opened = await open(context, args);
    const findings = await verifyProvisioning(opened.provider, {
      ...opened.options,
      askers: ['operator', 'backend', 'stranger'],
      onFinding: ({ check }) => context.terminal.progress(`${check} asked`),
    });
    if (context.json) await context.terminal.print(JSON.stringify({ ok: !hasFailures(findings), findings }));
    else await printFindings(context, findings);
    return hasFailures(findings) ? EXIT.findings : EXIT.done;
  },
};

/** Takes away what apply made. */
export const provisionDestroyCommand: Command = {
  name: 'provision destroy',
  summary: 'Take away what apply made. A store with objects goes only with --force and its name.',
  flags: {
    bucket: {
      type: 'string',
      value: 'NAME',
      summary: 'Name of the bucket, to be sure that it is the right one.',
    },
    force: { type: 'boolean', summary: 'Also remove all objects and versions. Nothing brings them back.' },
    ...YES,
    ...PROFILE,
  },
  secrets: [],
  positionals: [],
  async run(context, args) {
    const { destroyProvisioning } = await import('../../provisioning/destroy.ts');
    await using opened = await open(context, args);
    const { provider } = opened;
    const result = await destroyProvisioning(provider, {
      signal: context.signal,
      progress: (line) => context.terminal.progress(line),
      force: args.isSet('force'),
      typedBucket: args.text('bucket') ?? null,
      confirm: ({ objects }) =>
        agreed(context, args, `Remove ${provider.bucket}${objects > 0 ? ' with all that is in it' : ''}?`),
    });
    if (context.json) await context.terminal.print(JSON.stringify(destroyedJson(result)));
    else if (result.kind === 'refused') context.terminal.tell(result.reason);
    else
      await context.terminal.print(
        result.removed.length === 0
          ? 'There was nothing to remove.'
          : `Removed: ${result.removed.join(', ')}.`,
      );
    return result.kind === 'refused' ? EXIT.failed : EXIT.done;
  },
};

/** Prints the desired state for other tools. */
export const provisionExportCommand: Command = {
  name: 'provision export',
  summary:
    'Print the desired state: as JSON, as the provider’s documents, or as variables of the Terraform modules.',
  flags: {
    format: { type: 'string', value: 'FORMAT', summary: 'json, documents or terraform. Default: json.' },
    ...PROFILE,
  },
  secrets: [],
  positionals: [],
  async run(context, args) {
    const format = args.text('format') ?? 'json';
    if (!['json', 'documents', 'terraform'].includes(format))
      throw new UsageError('--format must be json, documents or terraform');
    const { desiredOf, terraformOf } = await import('../../provisioning/export.ts');
    await using opened = await open(context, args);
    const exported: Json =
      format === 'documents'
        ? await opened.provider.documents(context.signal)
        : format === 'terraform'
          ? terraformOf(opened.provider)
          : await desiredOf(opened.provider, opened.options);
    await context.terminal.print(JSON.stringify(exported, null, context.json ? undefined : 2));
    return EXIT.done;
  },
};

interface Opened extends AsyncDisposable {
  readonly provider: Provider;
  readonly options: { readonly leaveOut: readonly string[]; readonly signal: AbortSignal };
}

async function open(context: CommandContext, args: CommandArgs): Promise<Opened> {
  const config = await context.loadConfig();
  const { openProvisioning } = await import('../../service/provision-parts.ts');
  const provider = await openProvisioning(config, {
    profile: args.text('profile') ?? null,
    env: context.env,
  });
  return {
    provider,
    options: { leaveOut: config.provisioning.leaveOut, signal: context.signal },
    [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose](),
  };
}

/** @throws UsageError where nobody can be asked. */
async function agreed(context: CommandContext, args: CommandArgs, question: string): Promise<boolean> {
  if (args.isSet('yes')) return true;
  if (context.ask === null || context.json)
    throw new UsageError('Something that exists would change and nobody can be asked: add --yes');
  return /^y(es)?$/i.test((await context.ask(`${question} (yes/no) `)).trim());
}

function destroyedJson(result: Destroyed): object {
  if (result.kind === 'done') return { kind: result.kind, removed: result.removed };
  const { exists, objects, hasMore } = result.contents;
  return { kind: result.kind, reason: result.reason, contents: { exists, objects, has_more: hasMore } };
}

async function printPlan({ terminal, json }: CommandContext, plan: Plan): Promise<void> {
  if (json) await terminal.print(JSON.stringify(plan));
  else for (const line of planLines(plan, terminal.paint)) await terminal.print(line);
}

async function printFindings({ terminal }: CommandContext, findings: readonly Finding[]): Promise<void> {
  for (const finding of findings) {
    await terminal.print(findingLine(finding, terminal.paint));
    if (finding.mend !== null) await terminal.print(`     ${finding.mend}`);
  }
}
