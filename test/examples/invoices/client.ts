import assert from 'node:assert/strict';

/** Somebody who is logged in, and talks to the example as a program does. */
export interface Person {
  readonly email: string;
  readonly password: string;
  readonly tokens: Tokens;
  /** Asks with the access token; the body is JSON unless it is a form. */
  ask(method: string, path: string, body?: object): Promise<Answer>;
  /** Sends a document with the fields of a form. */
  send(path: string, file: File, fields?: Readonly<Record<string, string>>): Promise<Answer>;
}

export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Headers;
}

/** Opens an account for a company of one's own. */
export async function registerPerson(origin: string, email: string): Promise<Person> {
  const password = `a long password of ${email}`;
  const registered = await request(origin, 'POST', '/auth/register', { company: 'Acme', email, password });
  assert.equal(registered.status, 201, JSON.stringify(registered.body));
  return personOf(origin, { email, password, tokens: tokensOf(registered) });
}

export function personOf(origin: string, known: Pick<Person, 'email' | 'password' | 'tokens'>): Person {
  const headers = { authorization: `Bearer ${known.tokens.access_token}` };
  return {
    ...known,
    ask: (method, path, body) => request(origin, method, path, body, headers),
    send(path, file, fields = {}) {
      const form = new FormData();
      for (const [name, value] of Object.entries(fields)) form.append(name, value);
      form.append('file', file);
      return request(origin, 'POST', path, form, headers);
    },
  };
}

export function tokensOf({ body }: Answer): Tokens {
  return { access_token: String(body.access_token), refresh_token: String(body.refresh_token) };
}

/** Asks without anything but what is said. */
export async function request(
  origin: string,
  method: string,
  path: string,
  body?: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const isJson = body !== undefined && !(body instanceof FormData);
  const response = await fetch(new URL(path, origin), {
    method,
    headers: { ...headers, ...(isJson && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: isJson ? JSON.stringify(body) : body }),
  });
  const text = await response.text();
  const type = response.headers.get('content-type') ?? '';
  const parsed: Record<string, unknown> = /json/.test(type) ? JSON.parse(text) : { text };
  return { status: response.status, body: parsed, headers: response.headers };
}

/** A document as a browser sends it. */
export function fileOf(bytes: Uint8Array, filename: string, type: string): File {
  return new File([Uint8Array.from(bytes)], filename, { type });
}
