import type { AssetTypes } from '../core/asset-type.ts';
import { gifInspector } from './formats/gif.ts';
import { heifInspector } from './formats/heif.ts';
import { jpegInspector } from './formats/jpeg.ts';
import { mp4Inspector } from './formats/mp4.ts';
import { ooxmlInspector } from './formats/ooxml.ts';
import { pdfInspector } from './formats/pdf.ts';
import { pngInspector } from './formats/png.ts';
import { textInspector } from './formats/text.ts';
import { tiffInspector } from './formats/tiff.ts';
import { webpInspector } from './formats/webp.ts';
import { xmlInspector } from './formats/xml.ts';
import { zipInspector } from './formats/zip.ts';
import type { InspectorFactory } from './gate.ts';
import { canonicalMediaType } from './media-type.ts';

const OFFICE = 'application/vnd.openxmlformats-officedocument';

const INSPECTORS: ReadonlyMap<string, InspectorFactory> = new Map([
  ['image/jpeg', jpegInspector],
  ['image/png', pngInspector],
  ['image/gif', gifInspector],
  ['image/webp', webpInspector],
  ['image/avif', heifInspector],
  ['image/heic', heifInspector],
  ['image/tiff', tiffInspector],
  ['video/mp4', mp4Inspector],
  ['application/pdf', pdfInspector],
  ['application/zip', zipInspector],
  [`${OFFICE}.wordprocessingml.document`, ooxmlInspector],
  [`${OFFICE}.spreadsheetml.sheet`, ooxmlInspector],
  [`${OFFICE}.presentationml.presentation`, ooxmlInspector],
  ['text/plain', textInspector],
  ['text/markdown', textInspector],
  ['text/csv', textInspector],
  ['application/xml', xmlInspector],
]);

/** The inspector for a media type; undefined when the gate can't judge it. */
export function inspectorFor(mediaType: string): InspectorFactory | undefined {
  return INSPECTORS.get(canonicalMediaType(mediaType));
}

/** Media types of the asset types that the gate can't judge, so that a start can refuse them by name. */
export function uninspectedTypes(assetTypes: AssetTypes): string[] {
  const named = [...assetTypes.values()].flatMap((assetType) => Object.keys(assetType.accepts));
  return [...new Set(named)].filter((mediaType) => inspectorFor(mediaType) === undefined).sort();
}
