// Builds the package: JavaScript and declarations into dist/, and the files that code reads at run time beside them.
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, rmSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const dist = path.join(root, 'dist');
const out = process.argv[2] === undefined ? dist : path.resolve(process.argv[2]);

rmSync(out, { recursive: true, force: true });
// npm puts node_modules/.bin first: this is the TypeScript of the lockfile, run by the Node that runs us.
const compiler = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const compiled = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', out], {
  cwd: root,
  stdio: 'inherit',
});
if (compiled.status !== 0) process.exit(compiled.status ?? 1);
for (const file of globSync('src/**/*.{sql,json,html,css,svg}', { cwd: root })) {
  cpSync(path.join(root, file), path.join(out, path.relative('src', file)));
}
