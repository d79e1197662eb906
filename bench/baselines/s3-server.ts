// The small S3 server of the tests, in a process of its own: `node bench/baselines/s3-server.ts`. Prints its port.
import { startS3Server } from '../../test/servers/s3/server.ts';
import { USERS } from '../../test/servers/s3/test-users.ts';

const { origin } = await startS3Server({ users: USERS });
console.log(`port ${new URL(origin).port}`);
