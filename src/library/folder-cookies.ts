import ipaddr from 'ipaddr.js';
import { folderEntry } from '../access/entries.ts';
import type { UrlConditions } from '../delivery/asset-urls.ts';
import type { FolderCookies } from '../delivery/cdn/cdn.ts';
import type { Deps } from '../http/deps.ts';
import type { Reach, SignedUrlOptions } from './assets.ts';
import { type Caller, invalidParameter } from './callers.ts';

type FolderDeps = Pick<Deps, 'cdn' | 'catalog' | 'config' | 'log'>;

/**
 * Cookies by which a browser reads everything below a key prefix through the CDN. That they were made for the user is in
 * the log before they are handed out.
 *
 * What is read by them is known to the CDN alone. Where that may end in the retention of files that are read, it is said
 * once for each asset type: nobody knows at the start whether a program makes such cookies.
 */
export function folderCookieSigner(deps: FolderDeps, reach: Reach) {
  const warnOfRetention = retentionWarner(deps);
  return async (
    folder: string,
    user: Caller,
    { lifetimeSeconds, ...conditions }: SignedUrlOptions,
  ): Promise<FolderCookies> => {
    const { cdn, catalog } = deps;
    if (cdn === null || cdn.signer === null) throw invalidParameter('folder', 'needs a CDN with a key pair');
    const facts = reach.factsOf('generate_url', user);
    const grant = { nowMs: facts.nowMs, lifetimeSeconds, ...conditions };
    const signed = await cdn.signer.signFolder(folder, grant);
    await catalog.recordAccess(folderEntry(facts, folder));
    warnOfRetention(folder);
    return signed;
  };
}

function retentionWarner({ config, log }: FolderDeps): (folder: string) => void {
  const silent = new Map(
    [...config.assetTypes.values()]
      .filter(({ unusedDaysMax }) => unusedDaysMax !== null)
      .map(({ name, keyTemplate }) => [name, /^[^{]*\//.exec(keyTemplate)?.[0] ?? '']),
  );
  return (folder) => {
    for (const [name, prefix] of silent) {
      if (!prefix.startsWith(folder) && !folder.startsWith(prefix)) continue;
      silent.delete(name);
      log.warn(
        { asset_type: name },
        'Reads by cookies for a folder are not counted: what is read in no other way is removed by its retention. Set retentionDays to null.',
      );
    }
  };
}

/** What CloudFront takes: a time, and an IPv4 address or range. @throws StowageError `invalid_parameter`. */
export function checkConditions({ startsAtMs, ipRange }: UrlConditions): void {
  if (startsAtMs !== undefined && !Number.isSafeInteger(startsAtMs))
    throw invalidParameter('startsAtMs', 'must be milliseconds since the epoch');
  if (ipRange === undefined) return;
  const isRange = ipaddr.IPv4.isValidCIDR(ipRange) || ipaddr.IPv4.isValidFourPartDecimal(ipRange);
  if (!isRange) throw invalidParameter('ipRange', 'must be an IPv4 address or range such as 192.0.2.0/24');
}
