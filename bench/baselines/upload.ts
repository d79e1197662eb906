// Baselines for uploads: `node bench/baselines/upload.ts pipe|multer|tus DIR`. Prints its port.
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { FileStore } from '@tus/file-store';
import { Server as TusServer } from '@tus/server';
import express from 'express';
import multer from 'multer';

const [kind, directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('usage: upload.ts pipe|multer|tus DIR');

/** The bare limit: bytes to a file and nothing else. */
function pipe() {
  return createServer((request, response) => {
    const file = createWriteStream(join(directory ?? '', randomUUID()));
    request.pipe(file);
    file.on('finish', () => response.end('{}'));
  });
}

/** What a team would write with Express: the form to a file; no hash, no sync, no row. */
function multerOnExpress() {
  const app = express();
  const upload = multer({ storage: multer.diskStorage({ destination: directory ?? '' }) });
  app.post('/upload', upload.any(), (_request, response) => {
    response.json({ ok: true });
  });
  return createServer(app);
}

function tus() {
  const server = new TusServer({ path: '/files', datastore: new FileStore({ directory: directory ?? '' }) });
  return createServer((request, response) => {
    void server.handle(request, response);
  });
}

const servers = { pipe, multer: multerOnExpress, tus };
const make = servers[kind as keyof typeof servers];
if (make === undefined) throw new Error(`Unknown baseline ${kind}.`);
const server = make();
server.requestTimeout = 0;
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`));
