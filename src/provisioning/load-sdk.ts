import { ProvisioningError } from './provider.ts';

/**
 * Loads an official client that is only installed where it is needed.
 *
 * @throws ProvisioningError that says what to install.
 */
export async function loadSdk<Sdk>(name: string, load: () => Promise<Sdk>): Promise<Sdk> {
  try {
    return await load();
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
    if (!isMissing) throw error;
    throw new ProvisioningError(
      `Provisioning here needs ${name}, which is not installed: npm install ${name}`,
    );
  }
}
