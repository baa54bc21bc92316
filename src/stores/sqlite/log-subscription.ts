import { setImmediate as otherWork } from 'node:timers/promises';
import type { SubscribeOptions, SubscriptionMessage } from '../../event-sourcing/event-store.js';
import { fromPosition, toPosition } from './event-rows.js';
import type { LogWatch } from './log-watch.js';
import type { StoredEvent } from './newest-events.js';

export interface LogPages {
  /** How many rows a full page has at most. */
  readonly size: number;
  /** What is committed, in log order, so many at most: as it is stored now. */
  after(position: number, limit: number): Promise<readonly StoredEvent[]>;
  /** The same from one reading for all who ask: for what is new, and was not there when they began. */
  shared(position: number, limit: number): Promise<readonly StoredEvent[]>;
  /** 0 while the log is empty. */
  head(): Promise<number>;
}

/** Whoever wants a few events ends soon: what is read ahead of the end was read for nothing. Pages double from here. */
const FIRST_PAGE = 125;

/** Besides the signal, `return()` ends it, also while a `next()` waits: a generator alone would first wait for that. */
export function followLog(
  pages: LogPages,
  watch: LogWatch,
  options: SubscribeOptions,
): AsyncIterable<SubscriptionMessage> {
  return {
    [Symbol.asyncIterator]: () => {
      const end = new AbortController();
      const messages = follow(pages, watch, options, end);
      return {
        next: () => messages.next(),
        return: () => {
          end.abort();
          return messages.return(undefined);
        },
      };
    },
  };
}

async function* follow(
  pages: LogPages,
  watch: LogWatch,
  { after, prefixes, signal }: SubscribeOptions,
  end: AbortController,
): AsyncGenerator<SubscriptionMessage, undefined> {
  const abort = (): void => end.abort();
  const wanted = ({ stream }: StoredEvent): boolean =>
    prefixes === undefined || prefixes.some((prefix) => stream.startsWith(prefix));
  signal.addEventListener('abort', abort);
  if (signal.aborted) abort();
  const leave = watch.join();
  try {
    let passed = await startAfter(pages, after);
    let limit = Math.min(FIRST_PAGE, pages.size);
    for (let announced = -1; !end.signal.aborted;) {
      const ticket = watch.ticket();
      // To catch up is to read what is stored: who verifies the log must not be shown what others were.
      const page = await (announced === -1 ? pages.after(passed, limit) : pages.shared(passed, limit));
      for (const stored of page) {
        if (end.signal.aborted) return;
        if (wanted(stored)) yield { kind: 'event', event: stored.event };
      }
      if (end.signal.aborted) return;
      const last = page.at(-1);
      if (last !== undefined) passed = last.position;
      if (last !== undefined && !wanted(last)) yield { kind: 'checkpoint', position: toPosition(passed) };
      if (page.length === limit) {
        limit = Math.min(2 * limit, pages.size);
        // The reading blocks and the handing on only makes microtasks: without this nothing else would get a turn.
        await otherWork();
        continue;
      }
      if (announced !== passed) yield { kind: 'caught_up' };
      announced = passed;
      await watch.changed(ticket, end.signal);
    }
  } finally {
    leave();
    signal.removeEventListener('abort', abort);
  }
}

/** A position this log has not reached is another log's: following it would wait in silence for ever. */
async function startAfter(pages: LogPages, after: SubscribeOptions['after']): Promise<number> {
  if (after === undefined) return 0;
  const position = fromPosition(after);
  if (position > (await pages.head())) throw new RangeError('The position lies beyond the end of this log');
  return position;
}
