/** A price that falls with the amount: each step up to `upTo` units, the last one without end. */
export interface Step {
  /** In units; null: no end. */
  readonly upTo: number | null;
  /** US dollars per unit. */
  readonly price: number;
}

/** One way a provider keeps bytes. */
export interface StorageClass {
  readonly name: string;
  /** Per GiB and month. */
  readonly storage: readonly Step[];
  /** Per 1,000 requests that write or list. */
  readonly writes: number;
  /** Per 1,000 requests that read. */
  readonly reads: number;
  /** Per GiB read. */
  readonly retrieval: number;
  /** Billed at least so long, in days; 0: by the hour. */
  readonly daysMin: number;
}

/** What a provider asks. */
export interface ProviderPrices {
  readonly name: string;
  /** What the prices are for. */
  readonly place: string;
  /** The first is what Stowage writes to. */
  readonly classes: readonly [StorageClass, ...StorageClass[]];
  /** Per GiB that leaves for the internet, by month. */
  readonly egress: readonly Step[];
  readonly cdn: {
    readonly name: string;
    /** Per month, whatever happens. */
    readonly base: number;
    /** Per GiB to clients in North America and Europe, by month. */
    readonly egress: readonly Step[];
    /** Per 10,000 requests, after `requestsFree` a month. */
    readonly requests: number;
    readonly requestsFree: number;
    /** Per GiB that the CDN fetches from the bucket. */
    readonly fill: number;
  };
  /** Where it says so. */
  readonly sources: readonly string[];
}

/**
 * When these prices were put together: list prices of that month, in US dollars, without tax, discounts, commitments and
 * trials. They were collected from the pages below and from copies of them, not by a program: look before you sign. The
 * least sure are the cold tier of Azure and the steps of Azure Front Door above 10 TiB.
 */
export const PRICES_AS_OF = '2026-04';

/** Providers count bytes by 1,024. */
const TIB = 1024;

/** The price table, the only one there is: `stowage estimate` and docs/guides/cost.md take every figure from here. */
export const PRICES: Readonly<Record<'aws' | 'azure' | 'gcp', ProviderPrices>> = {
  aws: {
    name: 'AWS S3',
    place: 'US East (N. Virginia)',
    classes: [
      {
        name: 'S3 Standard',
        storage: [
          { upTo: 50 * TIB, price: 0.023 },
          { upTo: 500 * TIB, price: 0.022 },
          { upTo: null, price: 0.021 },
        ],
        writes: 0.005,
        reads: 0.0004,
        retrieval: 0,
        daysMin: 0,
      },
      {
        ...{ name: 'S3 Standard-IA', writes: 0.01, reads: 0.001, retrieval: 0.01, daysMin: 30 },
        storage: [{ upTo: null, price: 0.0125 }],
      },
      {
        ...{ name: 'S3 Glacier Instant Retrieval', writes: 0.02, reads: 0.01, retrieval: 0.03, daysMin: 90 },
        storage: [{ upTo: null, price: 0.004 }],
      },
    ],
    egress: [
      { upTo: 100, price: 0 },
      { upTo: 10 * TIB, price: 0.09 },
      { upTo: 50 * TIB, price: 0.085 },
      { upTo: 150 * TIB, price: 0.07 },
      { upTo: null, price: 0.05 },
    ],
    cdn: {
      name: 'CloudFront',
      base: 0,
      egress: [
        { upTo: TIB, price: 0 },
        { upTo: 10 * TIB, price: 0.085 },
        { upTo: 50 * TIB, price: 0.08 },
        { upTo: 150 * TIB, price: 0.06 },
        { upTo: 500 * TIB, price: 0.04 },
        { upTo: null, price: 0.03 },
      ],
      requests: 0.01,
      requestsFree: 10_000_000,
      fill: 0,
    },
    sources: [
      'https://aws.amazon.com/s3/pricing/',
      'https://aws.amazon.com/ec2/pricing/on-demand/#Data_Transfer',
      'https://aws.amazon.com/cloudfront/pricing/',
    ],
  },
  azure: {
    name: 'Azure Blob Storage',
    place: 'East US, locally redundant',
    classes: [
      {
        name: 'Hot',
        storage: [
          { upTo: 50 * TIB, price: 0.0184 },
          { upTo: 500 * TIB, price: 0.0177 },
          { upTo: null, price: 0.017 },
        ],
        writes: 0.005,
        reads: 0.0004,
        retrieval: 0,
        daysMin: 0,
      },
      {
        ...{ name: 'Cool', writes: 0.01, reads: 0.001, retrieval: 0.01, daysMin: 30 },
        storage: [{ upTo: null, price: 0.01 }],
      },
      {
        ...{ name: 'Cold', writes: 0.018, reads: 0.01, retrieval: 0.03, daysMin: 90 },
        storage: [{ upTo: null, price: 0.0036 }],
      },
    ],
    egress: [
      { upTo: 100, price: 0 },
      { upTo: 10 * TIB, price: 0.087 },
      { upTo: 50 * TIB, price: 0.083 },
      { upTo: 150 * TIB, price: 0.07 },
      { upTo: null, price: 0.05 },
    ],
    cdn: {
      name: 'Azure Front Door Standard',
      base: 35,
      egress: [
        { upTo: 10 * TIB, price: 0.083 },
        { upTo: 50 * TIB, price: 0.065 },
        { upTo: null, price: 0.05 },
      ],
      requests: 0.009,
      requestsFree: 0,
      fill: 0,
    },
    sources: [
      'https://azure.microsoft.com/pricing/details/storage/blobs/',
      'https://azure.microsoft.com/pricing/details/bandwidth/',
      'https://azure.microsoft.com/pricing/details/frontdoor/',
    ],
  },
  gcp: {
    name: 'Google Cloud Storage',
    place: 'us-central1',
    classes: [
      {
        ...{ name: 'Standard', writes: 0.005, reads: 0.0004, retrieval: 0, daysMin: 0 },
        storage: [{ upTo: null, price: 0.02 }],
      },
      {
        ...{ name: 'Nearline', writes: 0.01, reads: 0.001, retrieval: 0.01, daysMin: 30 },
        storage: [{ upTo: null, price: 0.01 }],
      },
      {
        ...{ name: 'Coldline', writes: 0.02, reads: 0.01, retrieval: 0.02, daysMin: 90 },
        storage: [{ upTo: null, price: 0.004 }],
      },
    ],
    egress: [
      { upTo: TIB, price: 0.12 },
      { upTo: 10 * TIB, price: 0.11 },
      { upTo: null, price: 0.08 },
    ],
    cdn: {
      name: 'Cloud CDN',
      base: 0,
      egress: [
        { upTo: 10 * TIB, price: 0.08 },
        { upTo: 150 * TIB, price: 0.055 },
        { upTo: null, price: 0.03 },
      ],
      requests: 0.0075,
      requestsFree: 0,
      fill: 0.01,
    },
    sources: [
      'https://cloud.google.com/storage/pricing',
      'https://cloud.google.com/vpc/network-pricing',
      'https://cloud.google.com/cdn/pricing',
    ],
  },
};

/** The providers of the table. */
export type ProviderName = keyof typeof PRICES;
