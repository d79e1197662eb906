import type { Json } from './json.ts';
import type { Provider } from './provider.ts';

/** Everything that is wanted, setting by setting, as `plan` compares it. */
export async function desiredOf(
  provider: Provider,
  options: { readonly leaveOut: readonly string[]; readonly signal: AbortSignal },
): Promise<Json> {
  const settings: Record<string, Json> = {};
  for (const setting of provider.settings) {
    if (!options.leaveOut.includes(setting.name))
      settings[setting.name] = await setting.desired(options.signal);
  }
  return { provider: provider.name, bucket: provider.bucket, settings };
}

/** Variables of the module `deploy/terraform/<provider>`, as a `.tfvars.json` file holds them. */
export function terraformOf(provider: Provider): Json {
  return { ...provider.variables };
}
