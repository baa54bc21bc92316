// Sends requests to the service and records them with their answers.

/**
 * @typedef {object} Question
 * @property {string} path with its query
 * @property {string} [method] GET when absent
 * @property {string} [key] the name of an API key; `all` when absent
 * @property {Readonly<Record<string, string>>} [headers]
 * @property {unknown} [body]
 *
 * @typedef {Question & { status: number, etag?: string, answer?: any }} Answered
 *
 * @typedef {object} Streamed
 * @property {string} key
 * @property {string} [lastEventId]
 * @property {readonly { id: string, data: any }[]} events
 */

export class Recorder {
  /** @type {Answered[]} */
  answers = [];
  /** @type {Streamed[]} */
  streams = [];
  url = '';

  /** @param {Readonly<Record<string, string>>} keys secrets of API keys by name */
  constructor(keys) {
    this.keys = keys;
  }

  /** Asks without recording. @param {Question} question @returns {Promise<Answered>} */
  async ask(question) {
    const { path, method = 'GET', key = 'all', headers = {}, body } = question;
    const answer = await fetch(this.url + path, {
      method,
      headers: {
        ...this.#authorization(key),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const etag = answer.headers.get('etag');
    const isJson = answer.headers.get('content-type')?.startsWith('application/json') === true;
    return {
      key,
      method,
      ...question,
      status: answer.status,
      ...(etag !== null && { etag }),
      ...(text !== '' && { answer: isJson ? JSON.parse(text) : text }),
    };
  }

  /** @param {Question} question @returns {Promise<any>} the body of the answer */
  async get(question) {
    return (await this.ask(question)).answer;
  }

  /** @param {Question} question @throws Error the answer is no success */
  async change(question) {
    const answered = await this.ask({ method: 'POST', ...question });
    if (answered.status >= 300) throw new Error(`${question.path}: ${JSON.stringify(answered.answer)}`);
    return answered.answer;
  }

  /** @param {Question} question @returns {Promise<any>} the body of the answer */
  async record(question) {
    const answered = await this.ask(question);
    this.answers.push(answered);
    return answered.answer;
  }

  /**
   * Records every page from the first one on, each requested with the cursor in the page before.
   * @param {string} path with its query, which is not empty
   * @param {(page: any) => string} next
   * @param {string} parameter that takes a cursor
   * @param {string} [key]
   */
  async recordPages(path, next, parameter, key) {
    let page = await this.record({ path, ...(key && { key }) });
    while (page.hasMore) {
      page = await this.record({ path: `${path}&${parameter}=${next(page)}`, ...(key && { key }) });
    }
    return page;
  }

  /**
   * Records the first events of the stream, with their ids.
   * @param {{ key: string, count: number, lastEventId?: string }} wanted
   */
  async recordStream({ key, count, lastEventId }) {
    const headers = { ...this.#authorization(key), ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) };
    const end = new AbortController();
    const { body } = await fetch(`${this.url}/events/stream`, { headers, signal: end.signal });
    /** @type {{ id: string, data: any }[]} */
    const events = [];
    let text = '';
    for await (const part of body ?? []) {
      text += Buffer.from(part).toString();
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const [, id] = /^id: ?(.*)$/m.exec(block) ?? [];
        const [, data] = /^data: ?(.*)$/m.exec(block) ?? [];
        if (id !== undefined && data !== undefined) events.push({ id, data: JSON.parse(data) });
      }
      if (events.length >= count) break;
    }
    end.abort();
    const streamed = { key, ...(lastEventId !== undefined && { lastEventId }), events: events.slice(0, count) };
    this.streams.push(streamed);
    return streamed.events;
  }

  /** @param {string} key */
  #authorization(key) {
    return { authorization: `Bearer ${this.keys[key] ?? ''}` };
  }
}

/** Asks again until it holds. @param {string} what @param {() => Promise<boolean>} holds @param {number} [everyMs] */
export const until = async (what, holds, everyMs = 100) => {
  const giveUpAt = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > giveUpAt) throw new Error(`Not within a minute: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
};
