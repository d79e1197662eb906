import { type ByteFeed, inspectorOf, type Parser } from '../byte-feed.ts';
import { XmlReader } from './xml-reader.ts';
import { brokenXml } from './xml-tag.ts';

/** Judges XML documents: well-formed, without document type, entities, scripts, style sheets and inclusions. */
export const xmlInspector = inspectorOf({
  read: readXml,
  incomplete: () => brokenXml('xml.incomplete', 'is not a complete XML document'),
});

const DECLARATION_BYTES_MAX = 256;

function* readXml(feed: ByteFeed): Parser {
  const head = yield* takeDeclaration(feed);
  const decoder = openDecoder(head);
  const reader = new XmlReader();
  const decode = (bytes?: Buffer): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch (error) {
      if (error instanceof TypeError)
        throw brokenXml('xml.encoding', 'is no XML document in the encoding that it names');
      throw error;
    }
  };
  reader.push(decode(head));
  while (yield* feed.more()) reader.push(decode(feed.use(feed.available)));
  reader.push(decode());
  reader.finish();
}

/** The first bytes, as far as the encoding may be named: fewer only when the file is shorter. */
function* takeDeclaration(feed: ByteFeed): Parser<Buffer> {
  const parts: Buffer[] = [];
  for (let takenBytes = 0; takenBytes < DECLARATION_BYTES_MAX && (yield* feed.more()); ) {
    const part = feed.use(Math.min(feed.available, DECLARATION_BYTES_MAX - takenBytes));
    parts.push(Buffer.from(part));
    takenBytes += part.length;
  }
  return Buffer.concat(parts);
}

/** Encodings in which every byte of markup means the same to all readers; UTF-7 and its like do not. */
const ENCODINGS = /^(?:utf-8|utf8|us-ascii|iso-8859-1|iso-8859-15|windows-1252)$/;

function openDecoder(head: Buffer): InstanceType<typeof TextDecoder> {
  const mark = head.toString('latin1', 0, 2);
  if (mark === '\u00ff\u00fe') return new TextDecoder('utf-16le', { fatal: true });
  if (mark === '\u00fe\u00ff') return new TextDecoder('utf-16be', { fatal: true });
  const declaration = /^(?:\u00ef\u00bb\u00bf)?<\?xml\s[^>]*?encoding\s*=\s*["']([^"']*)["']/.exec(
    head.toString('latin1'),
  );
  const encoding = declaration?.[1]?.toLowerCase() ?? 'utf-8';
  if (!ENCODINGS.test(encoding))
    throw brokenXml('xml.encoding', 'is an XML document in an encoding that is not accepted');
  return new TextDecoder(encoding, { fatal: true });
}
