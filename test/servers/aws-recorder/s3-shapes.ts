import type { Shape } from './xml.ts';

/** What a configuration of a bucket may hold, as the API reference has it. */
export interface Subresource {
  readonly root: string;
  readonly shape: Shape;
  /** Code of the answer when there is none; null: an empty element is answered. */
  readonly missingCode: string | null;
}

const DAYS: Shape = {
  'NoncurrentDays!': 'text',
  NewerNoncurrentVersions: 'text',
};

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html */
export const SUBRESOURCES: Readonly<Record<string, Subresource>> = {
  publicAccessBlock: {
    root: 'PublicAccessBlockConfiguration',
    shape: {
      BlockPublicAcls: 'text',
      IgnorePublicAcls: 'text',
      BlockPublicPolicy: 'text',
      RestrictPublicBuckets: 'text',
    },
    missingCode: 'NoSuchPublicAccessBlockConfiguration',
  },
  ownershipControls: {
    root: 'OwnershipControls',
    shape: { 'Rule!*': { 'ObjectOwnership!': 'text' } },
    missingCode: 'OwnershipControlsNotFoundError',
  },
  encryption: {
    root: 'ServerSideEncryptionConfiguration',
    shape: {
      'Rule!*': {
        ApplyServerSideEncryptionByDefault: { 'SSEAlgorithm!': 'text', KMSMasterKeyID: 'text' },
        BucketKeyEnabled: 'text',
      },
    },
    missingCode: 'ServerSideEncryptionConfigurationNotFoundError',
  },
  versioning: {
    root: 'VersioningConfiguration',
    shape: { Status: 'text', MfaDelete: 'text' },
    missingCode: null,
  },
  cors: {
    root: 'CORSConfiguration',
    shape: {
      'CORSRule!*': {
        ID: 'text',
        'AllowedHeader*': 'text',
        'AllowedMethod!*': 'text',
        'AllowedOrigin!*': 'text',
        'ExposeHeader*': 'text',
        MaxAgeSeconds: 'text',
      },
    },
    missingCode: 'NoSuchCORSConfiguration',
  },
  lifecycle: {
    root: 'LifecycleConfiguration',
    shape: {
      'Rule!*': {
        ID: 'text',
        'Status!': 'text',
        Prefix: 'text',
        Filter: { Prefix: 'text', ObjectSizeGreaterThan: 'text', ObjectSizeLessThan: 'text' },
        Expiration: { Date: 'text', Days: 'text', ExpiredObjectDeleteMarker: 'text' },
        'Transition*': { Date: 'text', Days: 'text', 'StorageClass!': 'text' },
        'NoncurrentVersionTransition*': { ...DAYS, 'StorageClass!': 'text' },
        NoncurrentVersionExpiration: DAYS,
        AbortIncompleteMultipartUpload: { 'DaysAfterInitiation!': 'text' },
      },
    },
    missingCode: 'NoSuchLifecycleConfiguration',
  },
  tagging: {
    root: 'Tagging',
    shape: { 'TagSet!': { 'Tag*': { 'Key!': 'text', 'Value!': 'text' } } },
    missingCode: 'NoSuchTagSet',
  },
  logging: {
    root: 'BucketLoggingStatus',
    shape: { LoggingEnabled: { 'TargetBucket!': 'text', 'TargetPrefix!': 'text' } },
    missingCode: null,
  },
};
