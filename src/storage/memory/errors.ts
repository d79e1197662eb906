import { StowageError } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/key.ts';

export function notFound(key: ObjectKey): StowageError {
  return new StowageError('object_not_found', `Object ${key} was not found.`);
}

export function exists(key: ObjectKey): StowageError {
  return new StowageError('object_exists', `The key ${key} is taken.`);
}

export function noCapability(what: string): StowageError {
  return new StowageError('capability_missing', `The store has no ${what}.`);
}

export function full(): StowageError {
  return new StowageError('storage_unavailable', 'The store is full.');
}
