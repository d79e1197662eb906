import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import vm from 'node:vm';
import { parse } from '@cdktf/hcl2json';

/** A value as Terraform would have it. */
export type Value = null | string | number | boolean | readonly Value[] | { readonly [name: string]: Value };
/** Attributes and nested blocks; blocks are lists. */
export type Block = { readonly [name: string]: Value };

/** A module with its variables filled in. */
export interface Evaluated {
  /** Resources and data by `type.name`; those whose count is 0 are absent, those with `for_each` are several. */
  readonly resources: ReadonlyMap<string, readonly Block[]>;
  /** Declared variables, and whether each has a default. */
  readonly variables: ReadonlyMap<string, { readonly hasDefault: boolean }>;
}

const ROOT = path.resolve(import.meta.dirname, '../../deploy/terraform');

interface Parsed {
  readonly variable: Record<string, readonly [Record<string, unknown>]>;
  readonly locals: Record<string, unknown>;
  readonly blocks: Record<string, Record<string, readonly Record<string, unknown>[]>>;
  readonly files: readonly string[];
}

/** Parses every file of a module with HashiCorp's own parser. @throws what it says of a file that is no HCL. */
export async function parseModule(name: string): Promise<Parsed> {
  const files = globSync('*.tf', { cwd: path.join(ROOT, name) }).sort();
  const all = { variable: {}, locals: {}, blocks: {}, files } satisfies Parsed as {
    -readonly [Key in keyof Parsed]: Parsed[Key];
  };
  for (const file of files) {
    const text = readFileSync(path.join(ROOT, name, file), 'utf8');
    const parsed = (await parse(file, text)) as Record<string, Record<string, never>>;
    Object.assign(all.variable, parsed.variable);
    for (const locals of (parsed.locals ?? []) as unknown as Record<string, unknown>[])
      Object.assign(all.locals, locals);
    for (const kind of ['resource', 'data']) {
      for (const [type, named] of Object.entries(parsed[kind] ?? {})) {
        all.blocks[type] = { ...all.blocks[type], ...(named as object) };
      }
    }
  }
  return all;
}

/**
 * Evaluates a module as far as our modules go: variables, locals, conditions, the functions below, `count`, `for_each`
 * and dynamic blocks. Expressions are HCL that is JavaScript as well, which is checked by running them.
 *
 * @param known attributes that only a provider decides, by `type.name.attribute`; others stand for themselves.
 */
export async function evaluateModule(
  name: string,
  given: Readonly<Record<string, unknown>>,
  known: Readonly<Record<string, Value>> = {},
): Promise<Evaluated> {
  const parsed = await parseModule(name);
  const variables = new Map(
    Object.entries(parsed.variable).map(([each, [block]]) => [each, { hasDefault: 'default' in block }]),
  );
  const values = Object.fromEntries(
    Object.entries(parsed.variable).map(([each, [block]]) => [
      each,
      each in given ? given[each] : block.default,
    ]),
  );
  const scope = new Scope(parsed, values, known);
  const resources = new Map<string, readonly Block[]>();
  for (const [type, named] of Object.entries(parsed.blocks)) {
    for (const [each, [block]] of Object.entries(named)) {
      if (block !== undefined) resources.set(`${type}.${each}`, scope.instances(block));
    }
  }
  return { resources, variables };
}

const FUNCTIONS = {
  length: (value: { length?: number; size?: number }) => value.length ?? value.size ?? 0,
  merge: (...maps: object[]) => Object.assign({}, ...maps),
  concat: (...lists: unknown[][]) => lists.flat(),
  distinct: (list: unknown[]) => [...new Set(list)],
  sort: (list: string[]) => [...list].sort(),
  toset: (list: unknown[]) => [...new Set(list)].sort(),
  startswith: (text: string, start: string) => text.startsWith(start),
  replace: (text: string, what: string, by: string) => text.replaceAll(what, by),
  substr: (text: string, from: number, length: number) => text.slice(from, from + length),
  sha256: (text: string) => createHash('sha256').update(text).digest('hex'),
};

class Scope {
  readonly #context: Record<string, unknown>;

  constructor(parsed: Parsed, variables: object, known: Readonly<Record<string, Value>>) {
    const locals: object = new Proxy({}, { get: (_, name) => this.value(parsed.locals[String(name)], {}) });
    const splat = (type: string, name: string, attribute: string): unknown => {
      const [block] = parsed.blocks[type]?.[name] ?? [];
      const count = block === undefined ? 0 : this.instances(block).length;
      return Array.from({ length: count }, () => reference(type, name, attribute));
    };
    const reference = (type: string, name: string, attribute: string): unknown =>
      known[`${type}.${name}.${attribute}`] ?? `${type}.${name}.${attribute}`;
    const types = Object.keys(parsed.blocks).map((type) => [
      type,
      new Proxy({}, { get: (_, name) => instance((attribute) => reference(type, String(name), attribute)) }),
    ]);
    const data = Object.fromEntries(types);
    this.#context = { ...FUNCTIONS, ...data, data, variables, local: locals, splat };
  }

  /** The blocks that a resource stands for: none, one, or one for each. */
  instances(block: Record<string, unknown>): readonly Block[] {
    // These say when and by whom, not what.
    const { count, for_each: forEach, provider, depends_on: after, lifecycle, ...rest } = block;
    if (count !== undefined) {
      const number = Number(this.value(count, {}));
      return Array.from({ length: number }, (_, index) => this.block(rest, { count: { index } }));
    }
    if (forEach === undefined) return [this.block(rest, {})];
    return (this.value(forEach, {}) as readonly string[]).map((value) =>
      this.block(rest, { each: { value, key: value } }),
    );
  }

  block(block: Record<string, unknown>, names: object): Block {
    const { dynamic, ...fixed } = block;
    const result: Record<string, Value> = {};
    for (const [name, value] of Object.entries(fixed)) {
      const evaluated = this.value(value, names);
      if (evaluated !== null) result[name] = evaluated;
    }
    for (const [name, entries] of Object.entries((dynamic ?? {}) as Record<string, Dynamic[]>)) {
      for (const { for_each: forEach, content } of entries) {
        const blocks = (this.value(forEach, names) as readonly Value[]).map((value) =>
          this.block(content[0], { ...names, [name]: { value } }),
        );
        if (blocks.length > 0) result[name] = [...((result[name] ?? []) as readonly Value[]), ...blocks];
      }
    }
    return result;
  }

  value(value: unknown, names: object): Value {
    if (typeof value === 'string') return this.#text(value, names);
    if (Array.isArray(value)) return value.map((each) => this.value(each, names));
    if (typeof value === 'object' && value !== null)
      return this.block(value as Record<string, unknown>, names);
    return (value ?? null) as Value;
  }

  #text(text: string, names: object): Value {
    const pieces = [...text.matchAll(/\$\{((?:[^{}]|\{[^{}]*\})*)\}/g)];
    if (pieces.length === 1 && pieces[0]?.[0] === text) return this.#run(pieces[0][1] ?? '', names);
    return text.replace(/\$\{((?:[^{}]|\{[^{}]*\})*)\}/g, (_, code: string) =>
      String(this.#run(code, names)),
    );
  }

  #run(code: string, names: object): Value {
    const list = /^\[for (\w+) in (\S+) : (\S+) if (.+)\]$/.exec(code);
    const asScript =
      list === null ? code : `${list[2]}.filter((${list[1]}) => ${list[4]}).map((${list[1]}) => ${list[3]})`;
    const script = asScript
      .replace(/\bvar\./g, 'variables.')
      .replace(/\b(\w+)\.(\w+)\[\*\]\.(\w+)/g, "splat('$1', '$2', '$3')");
    const result: unknown = vm.runInNewContext(script, { ...this.#context, ...names });
    // What was made in another context is told by its JSON.
    return result === undefined ? null : JSON.parse(JSON.stringify(result));
  }
}

interface Dynamic {
  readonly for_each: unknown;
  readonly content: readonly [Record<string, unknown>];
}

/** `a.b.id` and `a.b[0].id` alike. */
function instance(attributeOf: (attribute: string) => unknown): object {
  const proxy: object = new Proxy(
    {},
    {
      get: (_, attribute) => {
        if (attribute === Symbol.toPrimitive || attribute === 'toJSON') return undefined;
        return attribute === '0' ? proxy : attributeOf(String(attribute));
      },
    },
  );
  return proxy;
}

/** A block that is there once. */
export function only(blocks: Value | undefined): Block {
  if (Array.isArray(blocks) && blocks.length === 1) return blocks[0] as Block;
  throw new Error(`One block was expected, not ${JSON.stringify(blocks)}.`);
}

/** Nested blocks; none when there is none. */
export function all(blocks: Value | undefined): readonly Block[] {
  return (blocks ?? []) as readonly Block[];
}
