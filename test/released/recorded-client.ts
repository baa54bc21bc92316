import { HttpCaller } from '../support/http-call.js';
import type { Answered, Expectations } from './fixtures.js';

/** Asks a service what was asked when a fixture was made. */
export class RecordedClient {
  private readonly http: HttpCaller;

  constructor(
    readonly url: string,
    private readonly keys: Expectations['fixtureKeys'],
  ) {
    this.http = new HttpCaller(url, '');
  }

  /** @param key the name of an API key */
  authorization(key = 'all'): string {
    return `Bearer ${this.keys[key] ?? ''}`;
  }

  async ask(question: Pick<Answered, 'path'> & Partial<Answered>): Promise<Answered> {
    const { method = 'GET', path, key = 'all', headers: more = {}, body } = question;
    const headers = { authorization: this.authorization(key), ...more };
    const answer = await this.http.call({ method, path, headers, body });
    const isJson = answer.headers['content-type']?.startsWith('application/json') === true;
    const { etag } = answer.headers;
    return {
      ...{ method, path, key, status: answer.status },
      ...(etag !== undefined && { etag }),
      ...(answer.text !== '' && { answer: isJson ? answer.json() : answer.text }),
    };
  }

  async read<T>(path: string): Promise<T> {
    const { status, answer } = await this.ask({ path });
    expect([path, status]).toEqual([path, 200]);
    return answer as T;
  }

  async change<T>(method: string, path: string, body?: unknown): Promise<T> {
    const { status, answer } = await this.ask({ method, path, body });
    expect([path, answer, status < 300]).toEqual([path, answer, true]);
    return answer as T;
  }

  close(): void {
    this.http.close();
  }
}
