import { randomUUID } from 'node:crypto';
import { after, before } from 'node:test';
import { type Azurite, startAzurite } from '../../../test/servers/azurite.ts';
import { systemClock } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import { describeBackend } from '../conformance/describe-backend.ts';
import { openAzureBackend } from './backend.ts';

let azurite: Azurite;
before(async () => {
  azurite = await startAzurite();
});
after(() => azurite[Symbol.asyncDispose]());

describeBackend({
  name: 'Azure on Azurite',
  open: async () => {
    const backend = await openAzureBackend({
      container: `laws-${randomUUID()}`,
      connectionString: azurite.connectionString,
      accountUrl: null,
      clock: systemClock,
      log: silentLog,
    });
    await backend.ensureContainer({});
    return { backend, [Symbol.asyncDispose]: () => backend.close() };
  },
  knownGaps: {
    'a read URL answers a range':
      'Azurite 3.37.0, BlobHandler.js: a range that starts exactly at the end is answered 206 instead of 416',
    'completing in mode create refuses a taken key':
      'Azurite 3.37.0, LokiBlobMetadataStore.js: staged blocks alone make If-None-Match: * fail for a put of the whole object',
  },
});
