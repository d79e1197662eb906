import { openAsBlob } from 'node:fs';
import { createClient, isClientError } from 'stowage/client';

const client = createClient({
  url: process.env.STOWAGE_URL ?? 'http://127.0.0.1:3000',
  token: async () => process.env.STOWAGE_TOKEN ?? '',
});

try {
  const file = await openAsBlob(process.argv[2] ?? 'me.png'); // in a browser: the File that the user chose
  const asset = await client.upload(file, {
    assetType: 'image',
    filename: 'me.png',
    onProgress: ({ sentBytes, totalBytes, phase }) => console.log(phase, sentBytes, totalBytes),
  });
  for await (const { filename, presigned_url } of client.list()) console.log(filename, presigned_url);
  await client.delete(asset.asset_id);
} catch (error) {
  if (!isClientError(error)) throw error;
  console.log(error.code, error.message);
}
