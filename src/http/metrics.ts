import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { HealthState } from './health-state.ts';

/** What is measured for Prometheus. */
export interface Metrics {
  /** @param route the pattern, never the path: ids would make a series each. */
  observeRequest(route: string, method: string, status: number, durationMs: number): void;
  /** @param result `stored` or the code of the refusal. */
  countUpload(assetType: string, result: string, files: number): void;
  /** Bytes of accepted files in, bytes of delivered content out. */
  countBytes(direction: 'in' | 'out', bytes: number): void;
  /** How many callers shared one transaction of the catalog. */
  observeCatalogBatch(kind: 'upload' | 'access', entries: number): void;
  /** Shows the state of dependencies, asked when metrics are collected. */
  watchHealth(health: HealthState): void;
  /** The text exposition format. */
  render(): Promise<string>;
  readonly contentType: string;
}

const DURATION_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];
const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/**
 * Makes the service's metrics in a registry of their own.
 *
 * @param options.processMetrics also measure the process; once per process is enough.
 */
export function createMetrics(options: { readonly processMetrics: boolean }): Metrics {
  const registry = new Registry();
  const registers = [registry];
  if (options.processMetrics) collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'stowage_http_request_duration_seconds',
    help: 'Time from a request to the end of its answer.',
    labelNames: ['route', 'method', 'status'],
    buckets: DURATION_BUCKETS_SECONDS,
    registers,
  });
  const uploads = new Counter({
    name: 'stowage_uploaded_files_total',
    help: 'Files stored, and refused requests by code.',
    labelNames: ['asset_type', 'result'],
    registers,
  });
  const bytes = new Counter({
    name: 'stowage_content_bytes_total',
    help: 'Bytes of accepted files (in) and of delivered content (out).',
    labelNames: ['direction'],
    registers,
  });
  const batches = new Histogram({
    name: 'stowage_catalog_batch_entries',
    help: 'How many callers shared one transaction.',
    labelNames: ['kind'],
    buckets: BATCH_BUCKETS,
    registers,
  });
  return {
    observeRequest: (route, method, status, durationMs) =>
      requests.observe({ route, method, status }, durationMs / 1000),
    countUpload: (assetType, result, files) => uploads.inc({ asset_type: assetType, result }, files),
    countBytes: (direction, count) => bytes.inc({ direction }, count),
    observeCatalogBatch: (kind, entries) => batches.observe({ kind }, entries),
    watchHealth: (health) => watchHealth(registry, health),
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

const DEPENDENCY_UP = 'stowage_dependency_up';

function watchHealth(registry: Registry, health: HealthState): void {
  // A second server on the same parts has the same health.
  if (registry.getSingleMetric(DEPENDENCY_UP) !== undefined) return;
  new Gauge({
    name: DEPENDENCY_UP,
    help: 'Whether a dependency answers: 1 or 0.',
    labelNames: ['dependency'],
    registers: [registry],
    collect() {
      for (const [dependency, { status }] of Object.entries(health.snapshot().dependencies)) {
        this.set({ dependency }, status === 'connected' ? 1 : 0);
      }
    },
  });
}
