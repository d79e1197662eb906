import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** The answers of a server that are not at their end. There are no more of them than requests in flight. */
export class AnswersInFlight {
  readonly #answers = new Set<ServerResponse>();
  readonly #connections = new Set<Socket>();
  /** What connections had received when their last answer had gone out whole. */
  readonly #answeredBytes = new WeakMap<Socket, number>();

  /** Keeps track of every answer from its request on. Call it before requests come. */
  watch(server: Server): void {
    // Node's own, which `close` calls as well, takes an answer for done when its last bytes only wait for the client, and cuts it.
    server.closeIdleConnections = () => this.closeIdle();
    server.on('connection', (socket) => {
      this.#connections.add(socket);
      socket.once('close', () => this.#connections.delete(socket));
    });
    // Before the handler, which may answer at once.
    server.prependListener('request', (request, response) => {
      const { socket } = request;
      this.#answers.add(response);
      response.once('close', () => {
        this.#answers.delete(response);
        this.#answeredBytes.set(socket, socket.bytesRead);
      });
    });
  }

  /** Ends the connections that are only kept for a next request, of which nothing has come yet. */
  closeIdle(): void {
    const answering = new Set<Socket | null>();
    for (const answer of this.#answers) answering.add(answer.socket);
    for (const socket of this.#connections) {
      if (!answering.has(socket) && this.#answeredBytes.get(socket) === socket.bytesRead)
        socket.destroySoon();
    }
  }

  /** Whether the head of an answer is out on the connection, and its end is not. */
  isAnswering(socket: Socket): boolean {
    for (const answer of this.#answers) if (answer.socket === socket && answer.headersSent) return true;
    return false;
  }

  /** Makes every answer the last one of its connection, and ends connections on which nothing has come yet. */
  endConnections(): void {
    // To Node these are waiting for a request, not idle.
    for (const socket of this.#connections) if (socket.bytesRead === 0) socket.destroy();
    for (const answer of this.#answers) {
      answer.shouldKeepAlive = false;
      const { socket } = answer;
      // Where the head is out, it has promised to keep the connection.
      if (answer.headersSent && socket !== null) answer.once('finish', () => socket.end());
    }
  }
}

/**
 * Lets the server close as soon as the requests in flight are answered: their connections end with the answers. Those of
 * requests that arrive while it closes are ended by Fastify.
 */
export function closeWithAnswers(app: FastifyInstance, answers: AnswersInFlight): void {
  answers.watch(app.server);
  app.addHook('preClose', async () => answers.endConnections());
}
