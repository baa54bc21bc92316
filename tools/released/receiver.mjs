// An endpoint for webhooks on this machine. Its port is below those that systems hand out by themselves: what the webhooks of a
// fixture name later is never the server of another test.
import { once } from 'node:events';
import { createServer } from 'node:http';

const PORT = 28_713;

export class Receiver {
  /** Customers whose events `/orders` refuses. @type {ReadonlySet<string>} */
  refused = new Set();
  server = createServer((request, response) => void this.#answer(request, response));

  async start() {
    this.server.listen(PORT, '127.0.0.1');
    await once(this.server, 'listening');
  }

  /** `/orders` accepts deliveries, `/crm` fails, `/gone` answers 410. @param {'orders' | 'crm' | 'gone'} name */
  url(name) {
    return `http://127.0.0.1:${PORT}/${name}`;
  }

  stop() {
    this.server.close();
    this.server.closeAllConnections();
  }

  /**
   * @param {import('node:http').IncomingMessage} request
   * @param {import('node:http').ServerResponse} response
   */
  async #answer(request, response) {
    let body = '';
    for await (const part of request) body += part;
    const { subject } = JSON.parse(body);
    const taken = this.refused.has(subject) ? 500 : 204;
    const status = request.url === '/orders' ? taken : request.url === '/gone' ? 410 : 503;
    response.writeHead(status).end();
  }
}
