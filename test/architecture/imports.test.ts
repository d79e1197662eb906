import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { folderOf, importsOf, isTestSupport, type SourceFile, shippedSource } from './source-text.ts';

/** Who may import whom: the folders below `src`, and below each of them whatever is listed. Its own folder always. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  config: ['core'],
  protocol: ['core'],
  storage: ['core'],
  validation: ['core'],
  catalog: ['core'],
  access: ['core', 'catalog'],
  delivery: ['core', 'storage', 'catalog', 'access', 'protocol'],
  uploads: ['core', 'validation', 'storage', 'catalog', 'access'],
  maintenance: ['core', 'storage', 'catalog'],
  provisioning: ['core', 'config', 'storage'],
  http: [
    ...['core', 'config', 'protocol', 'storage', 'validation', 'catalog', 'access', 'delivery', 'uploads'],
    'maintenance',
  ],
  service: [
    ...['core', 'config', 'protocol', 'storage', 'validation', 'catalog', 'access', 'delivery', 'uploads'],
    ...['maintenance', 'provisioning', 'http'],
  ],
  library: [
    ...['core', 'config', 'protocol', 'storage', 'validation', 'catalog', 'access', 'delivery', 'uploads'],
    ...['http', 'service'],
  ],
  cli: [
    ...['core', 'config', 'protocol', 'storage', 'validation', 'catalog', 'access', 'delivery', 'uploads'],
    ...['maintenance', 'provisioning', 'service'],
  ],
  // Types alone, so that the client runs where the rest does not: see below.
  sdk: ['core', 'protocol'],
  // The package's front door: what an embedding application may use.
  'index.ts': [
    ...['core', 'config', 'protocol', 'storage', 'validation', 'catalog', 'access', 'delivery', 'uploads'],
    ...['maintenance', 'provisioning', 'service', 'library'],
  ],
};

/** Folders that only these may import. */
const GUARDED: Readonly<Record<string, readonly string[]>> = {
  http: ['service', 'library'],
  service: ['cli', 'library', 'index.ts'],
  library: ['index.ts'],
  cli: [],
  sdk: [],
};

const files = shippedSource();
const imports = files.flatMap(importsOf);
const own = imports.filter((each) => each.to.startsWith('src/'));

describe('imports', () => {
  test('are found at all: this test reads real files', () => {
    assert.ok(files.length >= 10, `${files.length} files`);
    assert.ok(own.length >= 10, `${own.length} imports`);
  });

  test('point one way, as the table says', () => {
    const wrong = own.filter(({ from, to }) => {
      const [source, target] = [folderOf(from), folderOf(to)];
      return source !== target && !(MAY_IMPORT[source] ?? []).includes(target);
    });
    assert.deepEqual(
      wrong.map(({ from, to }) => `${from} imports ${to}`),
      [],
    );
  });

  test('come only from folders that the table knows', () => {
    const unknown = new Set(
      files.map((file) => folderOf(file.path)).filter((folder) => !(folder in MAY_IMPORT)),
    );
    assert.deepEqual([...unknown], []);
  });

  test('of http, service and cli come only from above', () => {
    const wrong = own.filter(({ from, to }) => {
      const [source, target] = [folderOf(from), folderOf(to)];
      const allowed = GUARDED[target];
      return allowed !== undefined && source !== target && !allowed.includes(source);
    });
    assert.deepEqual(
      wrong.map(({ from, to }) => `${from} imports ${to}`),
      [],
    );
  });

  test('of the client are of its own files alone at run time', () => {
    const wrong = imports.filter(
      ({ from, to, typeOnly }) => folderOf(from) === 'sdk' && folderOf(to) !== 'sdk' && !typeOnly,
    );
    assert.deepEqual(
      wrong.map(({ from, to }) => `${from} imports ${to}`),
      [],
    );
  });

  test('never lead from one backend to another', () => {
    const backend = (file: string) => /^src\/storage\/(local|memory|s3|azure|gcs)\//.exec(file)?.[1];
    const wrong = own.filter(({ from, to }) => {
      const [source, target] = [backend(from), backend(to)];
      // The memory model serves its signed URLs by the same rules as local disk: that code is shared on purpose.
      if (source === 'memory' && target === 'local') return false;
      return source !== undefined && target !== undefined && source !== target;
    });
    assert.deepEqual(
      wrong.map(({ from, to }) => `${from} imports ${to}`),
      [],
    );
  });

  test('never reach into the tests', () => {
    const wrong = imports.filter(({ to }) => isTestSupport(to) || /^(test|bench)\//.test(to));
    assert.deepEqual(
      wrong.map(({ from, to }) => `${from} imports ${to}`),
      [],
    );
  });

  test('end in .ts and name a file that exists', () => {
    const known = new Set(files.map((file) => file.path));
    const wrong = own.filter(({ to }) => !known.has(to) && !to.endsWith('.json'));
    assert.deepEqual(
      wrong.map(({ from, to }) => `${from} imports ${to}`),
      [],
    );
  });

  test('of files make no cycle', () => {
    assert.deepEqual(cycles(own.filter((each) => !each.typeOnly)), []);
  });

  test('of folders make no cycle, types included', () => {
    const folders = own.map(({ from, to, typeOnly }) => ({
      from: folderOf(from),
      to: folderOf(to),
      typeOnly,
    }));
    assert.deepEqual(cycles(folders.filter(({ from, to }) => from !== to)), []);
  });

  test('of packages are declared in package.json', async () => {
    const { default: manifest } = await import('../../package.json', { with: { type: 'json' } });
    const declared = Object.keys({
      ...manifest.dependencies,
      ...manifest.optionalDependencies,
      ...manifest.peerDependencies,
    });
    const packages = imports
      .filter(({ to, typeOnly }) => !to.startsWith('src/') && !to.startsWith('node:') && !typeOnly)
      .map(({ from, to }) => ({
        from,
        name: to
          .split('/')
          .slice(0, to.startsWith('@') ? 2 : 1)
          .join('/'),
      }));
    const wrong = packages.filter(({ name }) => !declared.includes(name));
    assert.deepEqual(
      wrong.map(({ from, name }) => `${from} imports ${name}`),
      [],
    );
  });
});

/** Each way that leads back to where it began, once. */
function cycles(edges: readonly { readonly from: string; readonly to: string }[]): readonly string[] {
  const targets = Map.groupBy(edges, (edge) => edge.from);
  const found = new Set<string>();
  const done = new Set<string>();
  const visit = (node: string, trail: readonly string[]): void => {
    const start = trail.indexOf(node);
    if (start >= 0) {
      found.add([...trail.slice(start), node].join(' → '));
      return;
    }
    if (done.has(node)) return;
    for (const { to } of targets.get(node) ?? []) visit(to, [...trail, node]);
    done.add(node);
  };
  for (const node of targets.keys()) visit(node, []);
  return [...found];
}

describe('a module', () => {
  test('reads the environment only in config, and the command line only in cli', () => {
    const places = (pattern: RegExp, allowed: readonly string[]) =>
      files
        .filter((file) => pattern.test(file.code) && !allowed.includes(folderOf(file.path)))
        .map((file) => file.path);
    // PATH is no setting of ours: it is where the system's programs are looked for.
    assert.deepEqual(places(/\bprocess\s*\.\s*env\b(?!\.PATH\b)/, ['config', 'cli']), []);
    assert.deepEqual(places(/\bprocess\s*\.\s*argv\b/, ['cli']), []);
    assert.deepEqual(places(/\bprocess\s*\.\s*exit\s*\(/, ['cli']), []);
    assert.deepEqual(places(/\bconsole\s*\.\s*\w+\s*\(/, []), []);
  });

  test('does nothing when it is imported', () => {
    assert.deepEqual(files.filter(({ path }) => !isThread(path)).flatMap(topLevelActs), []);
    // What a thread starts with acts, and so nobody imports it.
    assert.deepEqual(
      imports.filter(({ to }) => isThread(to)),
      [],
    );
  });

  test('has no TODO without an issue, and no muted type check', () => {
    const wrong = files.filter((file) =>
      /\b(TODO|FIXME|XXX)\b(?![^\n]{0,20}#\d+)|@ts-(ignore|nocheck|expect-error)/.test(file.text),
    );
    assert.deepEqual(
      wrong.map((file) => file.path),
      [],
    );
  });

  test('has no `any`', () => {
    const wrong = files.filter((file) => /(?::|<|as|,)\s*any\b(?!\s*\()/.test(file.code));
    assert.deepEqual(
      wrong.map((file) => file.path),
      [],
    );
  });
});

/** A file that a thread starts with. */
function isThread(path: string): boolean {
  return /-worker\.ts$/.test(path);
}

/**
 * Statements at the left margin that act: calls, awaits, loops. Declarations are silent, and what a `const` is made
 * from is judged by eye; timers, listeners and connections are looked for there as well.
 */
function topLevelActs(file: SourceFile): readonly string[] {
  const lines = file.code.split('\n');
  return lines.flatMap((line, index) => {
    const acts =
      /^(?:await\b|new\s|for\s*\(|while\s*\(|if\s*\(|try\s*\{|throw\b|[\w$.]+(?:\?\.)?\()/.test(line) ||
      /^(?:export\s+)?(?:const|let)\s.*(?:=\s*await\b|\b(?:setInterval|setTimeout|createServer|createConnection)\()/.test(
        line,
      ) ||
      /^process\.on\b/.test(line);
    // A loop that fills a constant table of its own module is part of its declaration.
    const fillsTable = /^for \(const [^;]*\) [A-Z_]+\[.*\] = [^;]*;$/.test(line);
    return acts && !fillsTable ? [`${file.path}:${index + 1}: ${line.trim()}`] : [];
  });
}

describe('sizes', () => {
  /** Files of data or of one long idea may be longer; each needs a reason here. */
  const FILE_LINES_MAX = 400;
  const FUNCTION_LINES_MAX = 80;

  test(`no file is longer than ${FILE_LINES_MAX} lines`, () => {
    const long = files
      .map((file) => ({ path: file.path, lines: file.text.split('\n').length }))
      .filter(
        ({ path, lines }) =>
          lines > FILE_LINES_MAX && !path.includes('/samples/') && !path.includes('/conformance/'),
      );
    assert.deepEqual(long, []);
  });

  test(`no function is longer than ${FUNCTION_LINES_MAX} lines`, (context) => {
    const lengths = files
      .filter((file) => !file.path.includes('/conformance/'))
      .flatMap(functionLengths)
      .toSorted((a, b) => b.lines - a.lines);
    for (const { where, lines } of lengths.slice(0, 5)) context.diagnostic(`${lines} lines: ${where}`);
    assert.deepEqual(
      lengths.filter(({ lines }) => lines > FUNCTION_LINES_MAX),
      [],
    );
  });
});

const FUNCTION_START =
  /\bfunction\b\*?\s*([\w$]*)|^ +(?:static |async |override |get |set |\*)*([#\w$]+)\s*(?:<[^>]*>)?\([^;]*\)\s*(?::[^;={]*)?\{$|(?:const|let)\s+([\w$]+)[^=\n]*=\s*(?:async\s*)?(?:\([^;]*|[\w$]+\s*)=>\s*\{?$/gm;

interface Span {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** Lengths of the functions of a file without the functions inside them: a factory is as long as its own lines. */
function functionLengths(file: SourceFile): readonly { where: string; lines: number }[] {
  const spans = functionSpans(file.code);
  const linesOf = ({ start, end }: Span) => file.code.slice(start, end).split('\n').length;
  return spans.map((span) => {
    const inside = spans.filter((each) => each.start > span.start && each.end < span.end);
    const outermost = inside.filter(
      (each) => !inside.some((other) => other.start < each.start && other.end > each.end),
    );
    const line = file.code.slice(0, span.start).split('\n').length;
    const lines = linesOf(span) - outermost.reduce((sum, each) => sum + linesOf(each), 0);
    return { where: `${file.path}:${line} ${span.name}`, lines };
  });
}

function functionSpans(code: string): readonly Span[] {
  return [...code.matchAll(FUNCTION_START)].flatMap((match) => {
    const name = match[1] ?? match[2] ?? match[3] ?? '';
    if (/^(if|for|while|switch|catch|return)$/.test(name)) return [];
    const open = bodyStart(code, match.index + match[0].length - (match[0].endsWith('{') ? 1 : 0));
    return open === undefined ? [] : [{ name, start: match.index, end: closing(code, open) }];
  });
}

/** Where the body of a function opens: the first brace that is in no parenthesis and no type. */
function bodyStart(code: string, from: number): number | undefined {
  let depth = 0;
  for (let at = from; at < code.length && at < from + 2000; at++) {
    const character = code[at];
    if (character === '(' || character === '<') depth += 1;
    if (character === ')' || (character === '>' && code[at - 1] !== '=')) depth = Math.max(0, depth - 1);
    if (character === ';' && depth === 0) return undefined;
    if (character === '{' && depth === 0) {
      if (!/:\s*(?:Promise<|readonly\s*)?$/.test(code.slice(from, at))) return at;
      at = closing(code, at) - 1;
    }
  }
  return undefined;
}

/** The place after the brace that closes the one at `open`. */
function closing(code: string, open: number): number {
  let depth = 0;
  for (let at = open; at < code.length; at++) {
    if (code[at] === '{') depth += 1;
    if (code[at] === '}') {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return code.length;
}
