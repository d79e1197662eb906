import type { Deps } from '../deps.ts';
import type { Route } from '../route.ts';
import { abandonUpload } from './abandon-upload.ts';
import { assetLog } from './asset-log.ts';
import { beginUpload } from './begin-upload.ts';
import { cdnAsset } from './cdn-asset.ts';
import { completeUpload } from './complete-upload.ts';
import { deleteAsset } from './delete-asset.ts';
import { docs, openApi } from './documents.ts';
import { download } from './download.ts';
import { eraseUser } from './erase-user.ts';
import { readFile } from './files.ts';
import { getAsset } from './get-asset.ts';
import { health, live, ready } from './health.ts';
import { listAssets } from './list-assets.ts';
import { metrics } from './metrics.ts';
import { presign } from './presign.ts';
import { publicAsset } from './public-asset.ts';
import { signParts } from './sign-parts.ts';
import { tenantLog } from './tenant-log.ts';
import { upload } from './upload.ts';
import { usage } from './usage.ts';
import { writeFile } from './write-file.ts';

/** Every route there is. What is not in this table is not served. */
export function routeTable(deps: Deps): readonly Route[] {
  const sources = { routes: () => routes, publicUrl: deps.publicUrl };
  const routes: readonly Route[] = [
    upload(deps),
    beginUpload(deps),
    signParts(deps),
    completeUpload(deps),
    abandonUpload(deps),
    listAssets(deps),
    getAsset(deps),
    presign(deps),
    download(deps),
    deleteAsset(deps),
    assetLog(deps),
    tenantLog(deps),
    eraseUser(deps),
    usage(deps),
    health(deps),
    live(),
    ready(deps),
    openApi(sources),
    docs(sources),
    metrics(deps),
    readFile(deps),
    writeFile(deps),
    publicAsset(deps),
    cdnAsset(deps),
  ];
  return routes;
}
