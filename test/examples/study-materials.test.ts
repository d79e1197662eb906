import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { start } from '../../examples/study-materials/main.ts';
import { sample } from '../acceptance/samples/index.ts';
import { openStand, type Stand, signIn, type Visitor } from './stand.ts';

interface Material {
  readonly file_id: string;
  readonly title: string;
  readonly s3_key: string;
  readonly size_bytes: number;
  readonly download_url: string;
}
interface Page {
  readonly items: readonly Material[];
  readonly next: string | null;
}

const API = '/api/v1/user-content';

describe('study-materials', () => {
  let stand: Stand;
  let ana: Visitor;
  before(async () => {
    stand = await openStand(start);
    ana = await signIn(stand, 'ana');
  });
  after(() => stand?.[Symbol.asyncDispose]());

  const send = (visitor: Visitor, content: Uint8Array, name: string, title?: string) => {
    const form = new FormData();
    form.append('file', new File([content.slice()], name));
    if (title !== undefined) form.append('title', title);
    return visitor.fetch(`${API}/upload`, { method: 'POST', body: form });
  };
  const listOf = async (visitor: Visitor, query = '') =>
    (await (await visitor.fetch(`${API}${query}`)).json()) as Page;

  test('keeps a material by its key, lists it, gives it back, deletes row and file', async () => {
    const pdf = sample('pdf', 2, 'Week 1.pdf');
    const stored = await send(ana, pdf.bytes, pdf.filename, 'Cells');
    assert.equal(stored.status, 201);
    const material = (await stored.json()) as Material;
    assert.equal(material.title, 'Cells');
    assert.match(material.s3_key, /^study-materials\/ana\/\d+_[0-9a-f]{8}_Week_1\.pdf$/);
    assert.deepEqual(await listOf(ana), { items: [material], next: null });

    const file = await ana.fetch(`${API}/download/${material.file_id}`);
    assert.match(file.headers.get('content-disposition') ?? '', /attachment; filename="Week 1.pdf"/);
    assert.deepEqual(Buffer.from(await file.arrayBuffer()), Buffer.from(pdf.bytes));

    const gone = await ana.fetch(`${API}/${material.file_id}`, { method: 'DELETE' });
    assert.equal(gone.status, 204);
    assert.equal((await ana.fetch(`${API}/download/${material.file_id}`)).status, 404);
    assert.deepEqual(await listOf(ana), { items: [], next: null });
  });

  test('refuses a disguised file in plain words, and keeps neither row nor bytes', async () => {
    const refused = await send(
      ana,
      Buffer.from('MZ\x90\0 this program cannot be run in DOS mode'),
      'notes.pdf',
    );
    assert.equal(refused.status, 400);
    const { code, detail } = (await refused.json()) as { code: string; detail: string };
    assert.equal(code, 'suspicious_content');
    assert.equal(detail, 'The file is named .pdf, but its content is a Windows program.');
    assert.deepEqual(await listOf(ana), { items: [], next: null });
  });

  test('shows nobody what is somebody else’s, and strangers nothing', async () => {
    const bob = await signIn(stand, 'bob');
    const stored = await send(ana, Buffer.from('mine'), 'mine.txt');
    const { file_id: id } = (await stored.json()) as Material;
    assert.deepEqual((await listOf(bob)).items, []);
    assert.equal((await bob.fetch(`${API}/download/${id}`)).status, 403);
    assert.equal((await bob.fetch(`${API}/${id}`, { method: 'DELETE' })).status, 403);
    assert.equal((await fetch(`${stand.origin}${API}`)).status, 401);
    assert.equal((await fetch(`${stand.origin}${API}/download/${id}`)).status, 401);
    const byToken = { headers: { authorization: `Bearer ${ana.token}` } };
    assert.equal((await fetch(`${stand.origin}${API}/download/${id}`, byToken)).status, 200);
    assert.equal((await ana.fetch(`${API}/${id}`, { method: 'DELETE' })).status, 204);
  });

  test('lists page by page, newest first', async () => {
    const carol = await signIn(stand, 'carol');
    for (let n = 1; n <= 52; n += 1) {
      assert.equal((await send(carol, Buffer.from(`${n}`), `${n}.txt`)).status, 201);
    }
    const first = await listOf(carol);
    assert.deepEqual([first.items.length, first.items[0]?.title], [50, '52.txt']);
    const second = await listOf(carol, `?after=${first.next}`);
    assert.deepEqual(
      second.items.map(({ title }) => title),
      ['2.txt', '1.txt'],
    );
    assert.equal(second.next, null);
  });

  test('has its materials after a restart', async () => {
    const before = await listOf(await signIn(stand, 'carol'));
    await stand.restart();
    assert.deepEqual(await listOf(await signIn(stand, 'carol')), before);
  });
});
