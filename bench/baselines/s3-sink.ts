// A loopback S3 that takes everything and keeps nothing: `node bench/baselines/s3-sink.ts`. Prints its port.
// It counts bytes and answers what a client needs to go on; it checks no signature and hashes nothing, the same for every
// client, so that what is measured is the client. Written on bare sockets: an HTTP server would cost more than what it
// measures.
import { type AddressInfo, createServer, type Socket } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');
const ETAG = '"0123456789abcdef0123456789abcdef"';

const answerOf = (body: string): Buffer =>
  Buffer.from(
    `HTTP/1.1 200 OK\r\nx-amz-request-id: BENCH\r\nETag: ${ETAG}\r\nContent-Type: application/xml\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );

const EMPTY = answerOf('');
const BEGUN = answerOf(
  '<InitiateMultipartUploadResult><Bucket>bench</Bucket><Key>k</Key><UploadId>upload-1</UploadId></InitiateMultipartUploadResult>',
);
const JOINED = answerOf(
  `<CompleteMultipartUploadResult><Bucket>bench</Bucket><Key>k</Key><ETag>&quot;${ETAG.slice(1, -1)}-12&quot;</ETag></CompleteMultipartUploadResult>`,
);

/** The answer to a request line. */
function answerTo(requestLine: string): Buffer {
  if (requestLine.startsWith('POST ') && requestLine.includes('uploads')) return BEGUN;
  if (requestLine.startsWith('POST ')) return JOINED;
  return EMPTY;
}

function serve(socket: Socket): void {
  let head = Buffer.alloc(0);
  let leftBytes = 0;
  let answer = EMPTY;
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.on('data', (data) => {
    let rest = data;
    while (rest.length > 0) {
      if (leftBytes > 0) {
        const taken = Math.min(leftBytes, rest.length);
        leftBytes -= taken;
        rest = rest.subarray(taken);
        if (leftBytes === 0) socket.write(answer);
        continue;
      }
      head = head.length === 0 ? rest : Buffer.concat([head, rest]);
      const end = head.indexOf(HEAD_END);
      if (end < 0) return;
      const text = head.toString('latin1', 0, end);
      rest = head.subarray(end + 4);
      head = Buffer.alloc(0);
      leftBytes = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0);
      answer = answerTo(text.slice(0, text.indexOf('\r\n')));
      if (/\r\nexpect: *100-continue/i.test(text)) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
      if (leftBytes === 0) socket.write(answer);
    }
  });
}

const server = createServer(serve);
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`));
