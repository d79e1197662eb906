import { createReadStream } from 'node:fs';
import { createStowage, defineConfig } from 'stowage';

const avatar = {
  accepts: { 'image/png': ['png'] },
  maxSize: '1mb',
  keyTemplate: 'avatars/{user_id}/{uuid}.{ext}',
};
const config = defineConfig({ assetTypes: { avatar } });
const stowage = await createStowage({ config, cwd: process.cwd(), env: process.env });

const user = { userId: 'ana' };
const body = createReadStream(process.argv[2] ?? 'me.png');
const asset = await stowage.upload({ user, body, filename: 'me.png', assetType: 'avatar' });
const { url } = await stowage.signedUrl(asset.assetId, user, { lifetimeSeconds: 3600 });
console.log(asset.mediaType, asset.sizeBytes, asset.contentHash, url);

await stowage.close();
