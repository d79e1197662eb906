import type { AssetType, AssetTypes } from '../core/asset-type.ts';
import { GIB, MIB } from '../core/bytes.ts';

/** Asset types that need no configuration. */
export function shippedAssetTypes(): AssetTypes {
  return new Map<string, AssetType>(SHIPPED.map((assetType) => [assetType.name, assetType]));
}

const JPEG = { 'image/jpeg': ['jpg', 'jpeg'] } as const;
const PNG = { 'image/png': ['png'] } as const;
const WEBP = { 'image/webp': ['webp'] } as const;
const GIF = { 'image/gif': ['gif'] } as const;
const AVIF = { 'image/avif': ['avif'] } as const;
const TIFF = { 'image/tiff': ['tif', 'tiff'] } as const;
const MP4 = { 'video/mp4': ['mp4', 'm4v'] } as const;
const ZIP = { 'application/zip': ['zip'] } as const;
const PDF = { 'application/pdf': ['pdf'] } as const;
const TEXT = { 'text/plain': ['txt'], 'text/markdown': ['md', 'markdown'] } as const;
const XML = { 'application/xml': ['xml'] } as const;
const OFFICE = {
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': ['docx'],
  'application/vnd.openxmlformats-officedocument.presentationml.presentation': ['pptx'],
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': ['xlsx'],
} as const;
const { 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': _sheet, ...WORD_AND_SLIDES } =
  OFFICE;
const WEB_IMAGES = { ...JPEG, ...PNG, ...WEBP, ...GIF, ...AVIF } as const;

/** Keys hold a fresh UUID each: what they name never changes, so a cache may keep it. Private: URLs are signed. */
const CACHE_IMMUTABLE = 'private, max-age=31536000, immutable';
const CACHE_REVALIDATED = 'private, no-cache';

const SHIPPED = [
  {
    name: 'brand_image',
    accepts: { ...JPEG, ...PNG, ...WEBP },
    fileBytesMax: 10 * MIB,
    keyTemplate: 'brand-images/{user_id}/{timestamp}_{uuid8}_{filename}',
    cacheControl: CACHE_IMMUTABLE,
    unusedDaysMax: 90,
    filesPerRequestMax: 10,
    visibility: 'private',
  },
  {
    name: 'generated_video',
    accepts: MP4,
    fileBytesMax: 500 * MIB,
    keyTemplate: 'generated-videos/{project_id}/{timestamp}_{uuid8}_{name}.mp4',
    cacheControl: CACHE_REVALIDATED,
    unusedDaysMax: 90,
    filesPerRequestMax: 10,
    visibility: 'private',
  },
  {
    name: 'lora_training',
    accepts: ZIP,
    fileBytesMax: 2 * GIB,
    keyTemplate: 'lora-training/{brand_id}/{timestamp}_{uuid8}_{filename}',
    cacheControl: CACHE_REVALIDATED,
    unusedDaysMax: 90,
    filesPerRequestMax: 10,
    visibility: 'private',
  },
  {
    name: 'study_material',
    accepts: { ...PDF, ...WORD_AND_SLIDES, ...TEXT, ...WEB_IMAGES },
    fileBytesMax: 50 * MIB,
    keyTemplate: 'study-materials/{user_id}/{timestamp}_{uuid8}_{filename}',
    cacheControl: CACHE_REVALIDATED,
    unusedDaysMax: null,
    filesPerRequestMax: 10,
    visibility: 'private',
  },
  {
    name: 'task_attachment',
    accepts: { ...PDF, ...OFFICE, ...TEXT, ...WEB_IMAGES, ...ZIP },
    fileBytesMax: 100 * MIB,
    keyTemplate: 'tasks/{task_id}/{uuid}_{filename}',
    cacheControl: CACHE_REVALIDATED,
    unusedDaysMax: null,
    filesPerRequestMax: 10,
    visibility: 'private',
  },
  {
    name: 'invoice',
    accepts: { ...PDF, ...PNG, ...JPEG, ...WEBP, ...TIFF, ...XML },
    fileBytesMax: 25 * MIB,
    keyTemplate: 'invoices/{uuid}_{filename}',
    cacheControl: CACHE_REVALIDATED,
    unusedDaysMax: null,
    filesPerRequestMax: 10,
    visibility: 'private',
  },
  {
    name: 'image',
    accepts: WEB_IMAGES,
    fileBytesMax: 20 * MIB,
    keyTemplate: 'images/{user_id}/{timestamp}_{uuid8}_{filename}',
    cacheControl: CACHE_IMMUTABLE,
    unusedDaysMax: null,
    filesPerRequestMax: 10,
    visibility: 'private',
  },
] as const satisfies readonly AssetType[];

/** The keys of the shipped types by name, for the compiler. */
export type ShippedKeyTemplates = {
  readonly [Shipped in (typeof SHIPPED)[number] as Shipped['name']]: Shipped['keyTemplate'];
};
