import { isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Tells whether a proxy's word counts. */
export type TrustedProxies = (address: string) => boolean;

/** Most X-Forwarded-For entries that are looked at, from the right. */
const HOPS_MAX = 32;

/**
 * Reads the addresses and CIDR ranges of `TRUST_PROXY`.
 *
 * @throws TypeError naming an entry that is neither.
 */
export function parseTrustedProxies(entries: readonly string[]): TrustedProxies {
  const ranges = entries.map((entry) => parseRange(entry));
  if (ranges.length === 0) return () => false;
  return (text) => {
    const address = parseAddress(text);
    return (
      address !== undefined &&
      ranges.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits))
    );
  };
}

/**
 * The address of the client: the socket's, unless that is a trusted proxy. Then the rightmost entry of X-Forwarded-For
 * that is no trusted proxy: what stands left of it was written by someone we don't know.
 *
 * @param socketAddress address of the peer; undefined when it is already gone.
 * @param forwardedFor the header as it arrived.
 * @returns the address in its shortest usual form; IPv4 in IPv6 as IPv4.
 */
export function clientAddress(
  socketAddress: string | undefined,
  forwardedFor: string | undefined,
  isTrusted: TrustedProxies,
): string {
  const peer = plainAddress(socketAddress ?? '') ?? 'unknown';
  if (forwardedFor === undefined || !isTrusted(peer)) return peer;
  let client = peer;
  for (const entry of forwardedFor.split(',').slice(-HOPS_MAX).reverse()) {
    const address = plainAddress(withoutPort(entry.trim()));
    // A trusted proxy wrote something that is no address: what stands further left can't be believed either.
    if (address === undefined) return client;
    client = address;
    if (!isTrusted(address)) return client;
  }
  return client;
}

/**
 * What of a client's address tells it from others: all of IPv4, the first 64 bits of IPv6, for within those a client takes a new
 * address as often as it likes (RFC 8981). Where a gateway translates IPv4 (RFC 7755), the last 32 bits are the client's, and
 * the first 64 those of everybody in IPv4: all of it counts.
 *
 * @param address as {@link clientAddress} gives it.
 */
export function clientNetwork(address: string): string {
  const parsed = address.includes(':') ? parseAddress(address) : undefined;
  if (!(parsed instanceof ipaddr.IPv6) || TRANSLATED.has(parsed.range())) return address;
  const network = parsed.parts.slice(0, 4).map((part) => part.toString(16));
  return `${network.join(':')}::/64`;
}

/** `64:ff9b::/96` and its like, `::ffff:0:0:0/96`: named by ipaddr.js for the documents that gave them away. */
const TRANSLATED: ReadonlySet<string> = new Set(['rfc6052', 'rfc6145']);

type Address = ipaddr.IPv4 | ipaddr.IPv6;

function plainAddress(text: string): string | undefined {
  // Nearly every address: nothing to parse.
  if (isIPv4(text)) return text;
  return parseAddress(text)?.toString();
}

function parseAddress(text: string): Address | undefined {
  const bare = text.split('%')[0] ?? '';
  // ipaddr.js also reads `0x7f.1` and `127`: forms that no socket and no proxy writes.
  if (!bare.includes(':') && !ipaddr.IPv4.isValidFourPartDecimal(bare)) return undefined;
  return ipaddr.isValid(bare) ? ipaddr.process(bare) : undefined;
}

function parseRange(entry: string): [Address, number] {
  const [text = '', bitsText] = entry.split('/');
  const address = parseAddress(text);
  const bitsMax = address?.kind() === 'ipv4' ? 32 : 128;
  const bits = bitsText === undefined ? bitsMax : /^\d{1,3}$/.test(bitsText) ? Number(bitsText) : -1;
  if (address === undefined || bits < 0 || bits > bitsMax || entry.split('/').length > 2) {
    throw new TypeError(`${JSON.stringify(entry)} is neither an address nor a CIDR range.`);
  }
  return [address, bits];
}

/** `192.0.2.1:443` and `[2001:db8::1]:443`, as some proxies write. */
function withoutPort(text: string): string {
  const bracketed = /^\[([^\]]+)\](:\d{1,5})?$/.exec(text);
  if (bracketed?.[1] !== undefined) return bracketed[1];
  return /^(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}$/.exec(text)?.[1] ?? text;
}
