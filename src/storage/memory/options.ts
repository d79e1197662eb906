import type { Clock } from '../../core/clock.ts';
import type { BackendCapabilities } from '../backend.ts';

/** How to open a store in memory. Everything has a default. */
export interface MemoryBackendOptions {
  /** Start of every signed URL; a function is asked at each signing. Default `http://127.0.0.1`. */
  readonly publicUrl?: string | (() => string);
  /** Newest first. Default: one random secret. */
  readonly signingSecrets?: readonly string[];
  /** Default: the system's clock. */
  readonly clock?: Clock;
  /** Most bytes of all objects together; a put beyond is `storage_unavailable`. Default 1 GiB. */
  readonly capacityBytes?: number;
  /** Capabilities to go without, for tests of those who call. */
  readonly capabilities?: Partial<BackendCapabilities>;
}
