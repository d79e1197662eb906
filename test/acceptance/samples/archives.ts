import { crc32, deflateRawSync } from 'node:zlib';

/** One file of an archive made here. */
export interface ZipEntry {
  readonly name: string;
  readonly data: Buffer | string;
  /** Packed (the default) or as it is. */
  readonly stored?: boolean;
  /** Sets the flag that says the entry is encrypted. */
  readonly encrypted?: boolean;
}

/** A zip archive: local headers, central directory, end record. */
export function zip(entries: readonly ZipEntry[], comment = ''): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name);
    const data = Buffer.from(entry.data);
    const packed = entry.stored ? data : deflateRawSync(data);
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE((entry.encrypted ? 1 : 0) | 0x800, 2);
    shared.writeUInt16LE(entry.stored ? 0 : 8, 4);
    shared.writeUInt16LE(0x21, 8);
    shared.writeUInt32LE(crc32(data), 10);
    shared.writeUInt32LE(packed.length, 14);
    shared.writeUInt32LE(data.length, 18);
    shared.writeUInt16LE(name.length, 22);
    locals.push(Buffer.from('PK\x03\x04', 'latin1'), shared, name, packed);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), shared, tail, name);
    offset += 30 + name.length + packed.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  end.writeUInt16LE(Buffer.byteLength(comment), 16);
  return Buffer.concat([...locals, central, Buffer.from('PK\x05\x06', 'latin1'), end, Buffer.from(comment)]);
}

const PARTS = 'application/vnd.openxmlformats-officedocument.';
const RELATIONS = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';

/** A Word document of one paragraph; `extra` adds files to the archive. */
export function docx(text = 'Study well.', extra: readonly ZipEntry[] = []): Buffer {
  const namespace = 'http://schemas.openxmlformats.org/wordprocessingml/2006/main';
  const body = `<w:document xmlns:w="${namespace}"><w:body><w:p><w:r><w:t>${text}</w:t></w:r></w:p></w:body></w:document>`;
  const types = `<Override PartName="/word/document.xml" ContentType="${PARTS}wordprocessingml.document.main+xml"/>`;
  return officeFile('word/document.xml', types, [{ name: 'word/document.xml', data: XML + body }, ...extra]);
}

/** A presentation of one empty slide. */
export function pptx(): Buffer {
  const namespace = 'http://schemas.openxmlformats.org/presentationml/2006/main';
  const presentation = `<p:presentation xmlns:p="${namespace}" xmlns:r="${RELATIONS}"><p:sldIdLst><p:sldId id="256" r:id="rId1"/></p:sldIdLst></p:presentation>`;
  const slide = `<p:sld xmlns:p="${namespace}"><p:cSld><p:spTree/></p:cSld></p:sld>`;
  const types =
    `<Override PartName="/ppt/presentation.xml" ContentType="${PARTS}presentationml.presentation.main+xml"/>` +
    `<Override PartName="/ppt/slides/slide1.xml" ContentType="${PARTS}presentationml.slide+xml"/>`;
  return officeFile('ppt/presentation.xml', types, [
    { name: 'ppt/presentation.xml', data: XML + presentation },
    {
      name: 'ppt/_rels/presentation.xml.rels',
      data: relations(`<Relationship Id="rId1" Type="${RELATIONS}/slide" Target="slides/slide1.xml"/>`),
    },
    { name: 'ppt/slides/slide1.xml', data: XML + slide },
  ]);
}

const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';

function officeFile(main: string, types: string, parts: readonly ZipEntry[]): Buffer {
  const contentTypes =
    `${XML}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>' +
    `<Default Extension="xml" ContentType="application/xml"/>${types}</Types>`;
  return zip([
    { name: '[Content_Types].xml', data: contentTypes },
    {
      name: '_rels/.rels',
      data: relations(`<Relationship Id="rId1" Type="${RELATIONS}/officeDocument" Target="${main}"/>`),
    },
    ...parts,
  ]);
}

function relations(entries: string): string {
  const namespace = 'http://schemas.openxmlformats.org/package/2006/relationships';
  return `${XML}<Relationships xmlns="${namespace}">${entries}</Relationships>`;
}
