import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clientAddress, clientNetwork, parseTrustedProxies } from './client-address.ts';

const trusted = parseTrustedProxies(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32']);
const nobody = parseTrustedProxies([]);

describe('the address of the client', () => {
  const cases: readonly (readonly [string, string | undefined, string | undefined, string])[] = [
    ['is the socket’s without a header', '203.0.113.1', undefined, '203.0.113.1'],
    ['is the socket’s when it is no proxy of ours', '203.0.113.1', '6.6.6.6', '203.0.113.1'],
    ['is the last entry when a proxy wrote it', '10.0.0.1', '6.6.6.6, 203.0.113.9', '203.0.113.9'],
    [
      'is the last entry that is no proxy',
      '10.0.0.1',
      '6.6.6.6, 203.0.113.9, 10.1.1.1, 192.0.2.7',
      '203.0.113.9',
    ],
    ['is the first proxy when all are proxies', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['is the proxy when it wrote nonsense', '10.0.0.1', 'evil; DROP TABLE', '10.0.0.1'],
    ['is what stands right of nonsense', '10.0.0.1', '203.0.113.9, nonsense, 10.0.0.2', '10.0.0.2'],
    ['is IPv4 when the socket speaks IPv6', '::ffff:203.0.113.1', undefined, '203.0.113.1'],
    [
      'is found behind a proxy that the socket shows as IPv6',
      '::ffff:10.0.0.1',
      '203.0.113.9',
      '203.0.113.9',
    ],
    ['may be IPv6, in its short form', '10.0.0.1', '2001:0DB9:0:0:0:0:0:7', '2001:db9::7'],
    ['loses its port', '10.0.0.1', '203.0.113.9:4711', '203.0.113.9'],
    ['loses brackets and port', '10.0.0.1', '[2001:db9::7]:4711', '2001:db9::7'],
    ['is found behind an IPv6 proxy', '2001:db8::1', '203.0.113.9', '203.0.113.9'],
    ['is unknown when the socket is gone', undefined, '203.0.113.9', 'unknown'],
    ['is not read from odd notations', '10.0.0.1', '0x7f.1', '10.0.0.1'],
    ['is not read from an empty header', '10.0.0.1', '', '10.0.0.1'],
  ];
  for (const [title, socket, header, expected] of cases) {
    test(title, () => assert.equal(clientAddress(socket, header, trusted), expected));
  }

  test('never comes from the header when no proxy is trusted', () => {
    assert.equal(clientAddress('127.0.0.1', '6.6.6.6', nobody), '127.0.0.1');
  });

  test('is found in a header of a hundred thousand entries', () => {
    const header = `${'6.6.6.6,'.repeat(100_000)}203.0.113.9`;
    assert.equal(clientAddress('10.0.0.1', header, trusted), '203.0.113.9');
  });
});

describe('the network of a client', () => {
  test('is its whole address in IPv4, and where there is none', () => {
    for (const address of ['203.0.113.1', 'unknown']) assert.equal(clientNetwork(address), address);
  });

  test('is the first half of its address in IPv6, within which it draws others', () => {
    const network = '2001:db9:0:7::/64';
    for (const address of ['2001:db9:0:7::1', '2001:db9:0:7:ffff:ffff:ffff:ffff', '2001:db9:0:7::']) {
      assert.equal(clientNetwork(address), network);
    }
    assert.notEqual(clientNetwork('2001:db9:0:8::1'), network);
    assert.equal(clientNetwork('::1'), '0:0:0:0::/64');
  });

  test('is its whole address where a gateway translates IPv4: all of IPv4 has the same first half', () => {
    for (const address of ['64:ff9b::c000:201', '64:ff9b::c000:202', '::ffff:0:c000:201']) {
      assert.equal(clientNetwork(address), address);
    }
  });
});

describe('TRUST_PROXY', () => {
  for (const entry of [
    '',
    'localhost',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '2001:db8::/129',
    '10.0/8',
    '10.0.0.0/-1',
  ]) {
    test(`does not take ${JSON.stringify(entry)}`, () => {
      assert.throws(() => parseTrustedProxies([entry]), TypeError);
    });
  }
});
