/** Where objects can live. `memory` exists for tests and as the reference model of the contract. */
export type BackendName = 'local' | 's3' | 'azure' | 'gcs' | 'memory';
