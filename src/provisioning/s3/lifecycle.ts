import type { LifecycleRule } from '@aws-sdk/client-s3';
import type { LifecycleConfig } from '../../config/provisioning-config.ts';
import type { Json } from '../json.ts';

/** The lifecycle rules of a bucket of uploads. */
export function bucketLifecycle(days: LifecycleConfig): readonly LifecycleRule[] {
  const transitions = [
    days.oldVersionsRareDays === null
      ? []
      : [{ NoncurrentDays: days.oldVersionsRareDays, StorageClass: 'STANDARD_IA' as const }],
    days.oldVersionsArchiveDays === null
      ? []
      : [{ NoncurrentDays: days.oldVersionsArchiveDays, StorageClass: 'GLACIER' as const }],
  ].flat();
  const rules: LifecycleRule[] = [
    {
      ID: 'stowage-abort-multipart',
      Status: 'Enabled',
      Filter: { Prefix: '' },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: days.abortMultipartDays },
    },
    {
      ID: 'stowage-expire-incoming',
      Status: 'Enabled',
      Filter: { Prefix: 'incoming/' },
      Expiration: { Days: days.expireIncomingDays },
      // With versioning an expiry leaves the bytes as an old version: nobody needs those of an upload.
      NoncurrentVersionExpiration: { NoncurrentDays: days.expireIncomingDays },
    },
  ];
  if (transitions.length > 0 || days.oldVersionsDeleteDays !== null) {
    rules.push({
      ID: 'stowage-old-versions',
      Status: 'Enabled',
      Filter: { Prefix: '' },
      ...(transitions.length > 0 && { NoncurrentVersionTransitions: transitions }),
      ...(days.oldVersionsDeleteDays !== null && {
        NoncurrentVersionExpiration: { NoncurrentDays: days.oldVersionsDeleteDays },
        Expiration: { ExpiredObjectDeleteMarker: true },
      }),
    });
  }
  return rules;
}

/** The rules of the bucket that server access logs go to. */
export function logLifecycle(days: number): readonly LifecycleRule[] {
  return [
    { ID: 'stowage-expire-logs', Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Days: days } },
  ];
}

/**
 * Rules by name, in one form: stores answer an empty prefix in several ways, and transitions in any order.
 */
export function lifecycleJson(rules: readonly LifecycleRule[]): Json {
  return Object.fromEntries(
    rules.map((rule, index) => {
      const prefix = rule.Filter?.Prefix ?? rule.Prefix ?? '';
      const other = Object.keys(rule.Filter ?? {}).filter((name) => name !== 'Prefix');
      return [
        rule.ID ?? `rule ${index + 1}`,
        {
          status: rule.Status ?? '',
          prefix,
          ...(other.length > 0 && { filter: other.join(', ') }),
          ...(rule.AbortIncompleteMultipartUpload !== undefined && {
            abort_multipart_days: rule.AbortIncompleteMultipartUpload.DaysAfterInitiation ?? null,
          }),
          ...(rule.Expiration !== undefined && {
            expire:
              rule.Expiration.Days ??
              (rule.Expiration.ExpiredObjectDeleteMarker ? 'lone delete markers' : 'at a date'),
          }),
          ...(rule.Transitions?.length && {
            transitions: rule.Transitions.map((each) => `${each.StorageClass} after ${each.Days}`).toSorted(),
          }),
          ...(rule.NoncurrentVersionTransitions?.length && {
            old_version_transitions: rule.NoncurrentVersionTransitions.map(
              (each) => `${each.StorageClass} after ${each.NoncurrentDays}`,
            ).toSorted(),
          }),
          ...(rule.NoncurrentVersionExpiration !== undefined && {
            old_version_days: rule.NoncurrentVersionExpiration.NoncurrentDays ?? null,
          }),
        },
      ];
    }),
  );
}
