import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, test } from 'node:test';
import { folderOf, importsOf, shippedSource } from './source-text.ts';

/** What tests alone use lies among the sources too. */
const FOR_TESTS =
  /-fixture\.ts$|\/fixtures\.ts$|\/laws\/|\/laws\.ts$|\/testing\.ts$|\/samples\/|\/conformance\//;
const files = shippedSource().filter((file) => !FOR_TESTS.test(file.path));
/** The stores themselves put and copy; what counts is who tells them to. */
const callers = files.filter((file) => folderOf(file.path) !== 'storage');

const GATE = 'src/validation/admit.ts';
/** Files that give bytes a key of their own, by the call that does it. Each passes them through the gate itself. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  put: ['src/uploads/store-file.ts'],
  copy: ['src/uploads/direct/promote.ts'],
};
/**
 * Files that store bytes which become no asset by it, with the reason.
 * A move takes the bytes of assets that passed the gate once; their hash is compared on the way.
 */
const MOVES = /^src\/maintenance\/move/;
/**
 * The doctor puts an object of its own below a key of its own, reads it and removes it; the sweeper keeps the catalog's
 * id in one whose key no template can make, and asks the store for the time by one below `incoming/`, where no upload has
 * that key. `provision verify` asks what a bucket lets whom do, with objects below `incoming/` that it removes.
 */
const PROBES: ReadonlySet<string> = new Set([
  'src/maintenance/doctor.ts',
  'src/maintenance/store-owner.ts',
  'src/maintenance/store-clock.ts',
  'src/provisioning/gcs/probes.ts',
  'src/provisioning/store-questions.ts',
]);

/** Calls of a bucket's method, however the bucket is named at that place. */
function callersOf(method: string): readonly string[] {
  const call = new RegExp(`\\b(?:bucket|backend|storage|store|target|source|parts)\\s*\\.\\s*${method}\\(`);
  return callers
    .filter((file) => call.test(file.code) && !MOVES.test(file.path) && !PROBES.has(file.path))
    .map((file) => file.path)
    .sort();
}

function mentions(name: string): readonly string[] {
  const word = new RegExp(`\\b${name}\\b`);
  return callers.filter((file) => word.test(file.code)).map((file) => file.path);
}

describe('bytes become an asset only through the gate:', () => {
  for (const [method, doors] of Object.entries(DOORS)) {
    test(`who calls ${method} on the store judges the bytes with admit`, () => {
      assert.deepEqual(callersOf(method), doors);
      for (const door of doors) {
        const file = files.find((each) => each.path === door);
        assert.ok(file);
        assert.ok(
          importsOf(file).some(({ to, typeOnly }) => to === GATE && !typeOnly),
          `${door} imports admit`,
        );
        assert.match(file.code, /\badmit\(/, `${door} calls admit`);
      }
    });
  }

  test('nothing else has the gate, and nothing judges by a gate of its own', () => {
    const users = files.filter((file) =>
      importsOf(file).some(({ to, typeOnly }) => to === GATE && !typeOnly),
    );
    assert.deepEqual(users.map((file) => file.path).sort(), Object.values(DOORS).flat().sort());
  });

  test('rows of assets are written by those who stored what the gate passed', () => {
    const committers = mentions('commitUpload').filter((file) => folderOf(file) !== 'catalog');
    const known = ['batch.ts', 'direct/complete.ts'];
    assert.deepEqual(committers.toSorted(), known.map((file) => `src/uploads/${file}`).toSorted());
    const text = (file: string) => files.find((each) => each.path === file)?.code ?? '';
    assert.match(text('src/uploads/direct/complete.ts'), /\bpromote\(/);
    assert.match(text('src/uploads/batch.ts'), /\bStoredFile\b/);
  });

  test('parts and signed writes lead below incoming/ and nowhere else', () => {
    for (const name of ['signWrite', 'beginMultipart']) {
      const users = mentions(name).filter((file) => !MOVES.test(file));
      assert.deepEqual(users, ['src/uploads/direct/begin.ts'], name);
    }
    const begin = files.find((file) => file.path === 'src/uploads/direct/begin.ts')?.text ?? '';
    const calls = [...begin.matchAll(/\bbucket\.(?:signWrite|beginMultipart)\(([\w.]+)/g)];
    assert.deepEqual(
      calls.map(([, key]) => key),
      ['reserved.incomingKey', 'reserved.incomingKey'],
    );
    assert.match(begin, /incomingKey: incomingKey\(uploadId\)/);
  });
});

describe('the routes that take bytes', () => {
  const routes = files.filter((file) => path.posix.dirname(file.path) === 'src/http/routes');
  const withText = (pattern: RegExp) =>
    routes
      .filter((file) => pattern.test(file.text))
      .map((file) => path.posix.basename(file.path))
      .sort();

  test('are the form, which goes to the intake, and the signed write, which ends below incoming/', () => {
    assert.ok(routes.length >= 20, `${routes.length} files`);
    const streams = withText(/\bbody: 'stream'/);
    // The resumable door, when it is there, goes to the intake as the form does.
    const known = new Set(['upload.ts', 'write-file.ts', 'resumable.ts']);
    assert.deepEqual(
      streams.filter((file) => !known.has(file)),
      [],
    );
    assert.ok(streams.includes('upload.ts') && streams.includes('write-file.ts'));
    const text = (name: string) => routes.find((file) => file.path.endsWith(`/${name}`))?.text ?? '';
    assert.match(text('upload.ts'), /deps\.intake\.receiveForm\(/);
    assert.match(text('write-file.ts'), /!key\.startsWith\(INCOMING_PREFIX\)/);
  });

  test('read no request themselves', () => {
    assert.deepEqual(withText(/request\.raw\.(?:on|pipe|read)\(|for await \(const \w+ of request/), []);
  });

  test('and no route reaches the store to write', () => {
    assert.deepEqual(withText(/\bbucket\.(?:put|copy|beginMultipart|resumeMultipart|signWrite)\(/), []);
  });
});

describe('the calls of the library that take bytes', () => {
  const calls = files.filter((file) => folderOf(file.path) === 'library');
  const using = (pattern: RegExp) =>
    calls.filter((file) => pattern.test(file.code)).map((file) => path.posix.basename(file.path));

  test('hand them to the intake and to direct uploads, as the routes do', () => {
    assert.ok(calls.length >= 10, `${calls.length} files`);
    assert.deepEqual(using(/\.receiveFile\(/), ['uploads.ts']);
    assert.deepEqual(using(/\.receiveForm\(/), ['receive.ts']);
    assert.deepEqual(using(/\bdirectUploads\.(?:begin|complete)\(/), ['uploads.ts']);
  });

  test('read no request themselves, and reach no store to write', () => {
    assert.deepEqual(
      using(/for await \(const \w+ of (?:raw|request)|\b(?:raw|request)\.(?:on|pipe|read)\(/),
      [],
    );
    assert.deepEqual(using(/\.(?:put|copy|beginMultipart|resumeMultipart|signWrite)\(/), []);
  });
});
