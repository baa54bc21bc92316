import { Agent, get, type IncomingMessage } from 'node:http';
import { serve } from './child.js';

/** Readers of the feed, each for itself from the beginning of the log, each asking for the next page when it has the last. */
export interface FeedTask {
  readonly url: string;
  readonly key: string;
  readonly readers: number;
  /** Of events in a page. */
  readonly limit: number;
  /** That each of them has to get. */
  readonly events: number;
}

export interface FeedResult {
  /** By all readers together. */
  readonly events: number;
  readonly bytes: number;
  readonly seconds: number;
}

interface Page {
  readonly events: number;
  readonly bytes: number;
  readonly next: string;
  readonly hasMore: boolean;
}

/** Once in each envelope, and in no value: there its quotation marks would be escaped. */
const MARK = Buffer.from('"specversion":"1.0"');

/** @throws Error when a reader gets more or fewer events, or another answer than 200 */
async function read({ readers, events, ...asked }: FeedTask): Promise<FeedResult> {
  const agent = new Agent({ keepAlive: true });
  const started = performance.now();
  const all = await Promise.all(Array.from({ length: readers }, () => readThrough({ ...asked, agent }, events)));
  const seconds = (performance.now() - started) / 1000;
  agent.destroy();
  return { events: events * readers, bytes: all.reduce((sum, bytes) => sum + bytes, 0), seconds };
}

interface Source extends Pick<FeedTask, 'url' | 'key' | 'limit'> {
  readonly agent: Agent;
}

async function readThrough(source: Source, events: number): Promise<number> {
  let [seen, bytes, after] = [0, 0, ''];
  for (;;) {
    const page = await pageAfter(source, after, Math.min(source.limit, events - seen));
    seen += page.events;
    bytes += page.bytes;
    after = `&after=${page.next}`;
    if (seen === events) return bytes;
    if (seen > events || !page.hasMore) throw new Error(`A reader was to get ${events} events and got ${seen}`);
  }
}

/** Parses nothing: the reader shares the cores with the server, and whatever it does with an event is its own affair. */
function pageAfter({ url, key, agent }: Source, after: string, limit: number): Promise<Page> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${key}` };
    const request = get(`${url}/events?limit=${limit}${after}`, { agent, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(pageOf(answer, Buffer.concat(chunks)));
        else reject(new Error(`GET /events was answered ${answer.statusCode}`));
      });
    });
    request.on('error', reject);
  });
}

const pageOf = ({ headers }: IncomingMessage, body: Buffer): Page => ({
  events: occurrences(body),
  bytes: body.length,
  next: String(headers['events-next']),
  hasMore: headers['events-has-more'] === 'true',
});

function occurrences(body: Buffer): number {
  let count = 0;
  for (let at = body.indexOf(MARK); at !== -1; at = body.indexOf(MARK, at + MARK.length)) count += 1;
  return count;
}

serve(read);
