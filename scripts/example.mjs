// Runs an example on the pinned Node: `npm run example NAME`. Settings come from the environment (`STORAGE_BACKEND=s3 …`);
// what it keeps on this machine lies below data/examples/NAME. `npm run example` alone names the examples.
import { spawn } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const [name = '', ...args] = process.argv.slice(2);
const main = [`${name}.ts`, `${name}/main.ts`]
  .map((path) => join(root, 'examples', path))
  .find((path) => existsSync(path));
if (!/^[a-z][a-z-]*$/.test(name) || main === undefined) {
  const names = [
    ...globSync('examples/*.ts', { cwd: root }).map((path) => basename(path, '.ts')),
    ...globSync('examples/*/main.ts', { cwd: root }).map((path) => basename(dirname(path))),
  ];
  console.error(`Usage: npm run example NAME\nExamples: ${names.sort().join(', ')}`);
  process.exit(2);
}
const child = spawn(process.execPath, ['--conditions=stowage-source', main, ...args], {
  stdio: 'inherit',
  env: { ...process.env, DATA_DIR: process.env.DATA_DIR ?? join(root, 'data/examples', name) },
});
// A terminal sends Ctrl+C to both; the program closes its server and database, and this waits for it.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    if (signal === 'SIGTERM' || !process.stdin.isTTY) child.kill(signal);
  });
}
child.once('exit', (code) => process.exit(code ?? 1));
