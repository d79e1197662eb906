import ipaddr from 'ipaddr.js';
import { folderEntry } from '../access/entries.ts';
import type { UrlConditions } from '../delivery/asset-urls.ts';
import type { FolderCookies } from '../delivery/cdn/cdn.ts';
import type { Deps } from '../http/deps.ts';
import type { Reach, SignedUrlOptions } from './assets.ts';
import { type Caller, invalidParameter } from './callers.ts';

/**
 * Cookies by which a browser reads everything below a key prefix through the CDN. That they were made for the user is in
 * the log before they are handed out.
 */
export async function signFolderCookies(
  { cdn, catalog }: Pick<Deps, 'cdn' | 'catalog'>,
  reach: Reach,
  folder: string,
  user: Caller,
  { lifetimeSeconds, ...conditions }: SignedUrlOptions,
): Promise<FolderCookies> {
  if (cdn === null || cdn.signer === null) throw invalidParameter('folder', 'needs a CDN with a key pair');
  const facts = reach.factsOf('generate_url', user);
  const grant = { nowMs: facts.nowMs, lifetimeSeconds, ...conditions };
  const signed = await cdn.signer.signFolder(folder, grant);
  await catalog.recordAccess(folderEntry(facts, folder));
  return signed;
}

/** What CloudFront takes: a time, and an IPv4 address or range. @throws StowageError `invalid_parameter`. */
export function checkConditions({ startsAtMs, ipRange }: UrlConditions): void {
  if (startsAtMs !== undefined && !Number.isSafeInteger(startsAtMs))
    throw invalidParameter('startsAtMs', 'must be milliseconds since the epoch');
  if (ipRange === undefined) return;
  const isRange = ipaddr.IPv4.isValidCIDR(ipRange) || ipaddr.IPv4.isValidFourPartDecimal(ipRange);
  if (!isRange) throw invalidParameter('ipRange', 'must be an IPv4 address or range such as 192.0.2.0/24');
}
