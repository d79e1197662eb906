import type { HealthJson } from '../protocol/index.ts';

/** What health routes answer with: measured by the service on a timer, never by a request. */
export interface HealthState {
  /** The latest measurement. */
  snapshot(): HealthJson;
  /** Whether requests should be sent here now. */
  readiness(): 'ok' | 'starting' | 'unavailable' | 'stopping';
}
