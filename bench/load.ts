import { createHistogram } from 'node:perf_hooks';
import autocannon from 'autocannon';
import { serve } from './child.js';
import { type Operation, requestsFor } from './operations.js';
import type { Population } from './population.js';
import { KEY } from './server.js';

export interface Load {
  readonly url: string;
  readonly operation: Operation;
  readonly population: Population;
  readonly connections: number;
  readonly seconds: number;
  /** 503 is an answer: a server behind the service was too slow. Counted, and not among the requests. */
  readonly mayBeUnavailable: boolean;
}

export interface Measured {
  readonly requests: number;
  /** Answered 503. */
  readonly unavailable: number;
  readonly requestsPerSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** How often autocannon looks whether its time is over, in milliseconds. */
const LOOK_MS = 50;

/**
 * Each connection sends its next request when the answer to the last one is there. autocannon's own histogram knows whole
 * milliseconds only: the latencies are kept here, in microseconds.
 * @throws Error when any request was not answered 2xx, or with 503 where it may be
 */
function load({ url, operation, population, connections, seconds, mayBeUnavailable }: Load): Promise<Measured> {
  const latencies = createHistogram();
  const times = { begun: 0, last: 0, count: 0, unavailable: 0 };
  const requests = requestsFor(operation, population, connections);
  const options: autocannon.Options = {
    url,
    connections,
    duration: seconds,
    sampleInt: LOOK_MS,
    headers: { authorization: `Bearer ${KEY}` },
    setupClient: (client) => client.setRequests(requests.pop() ?? []),
  };
  return new Promise((resolve, reject) => {
    const run = autocannon(options, (error: unknown, result) => {
      const { errors, timeouts } = result;
      const non2xx = result.non2xx - times.unavailable;
      if (error !== null && error !== undefined) reject(new Error('autocannon failed', { cause: error }));
      else if (errors + timeouts + non2xx > 0) {
        reject(new Error(`${operation}: ${non2xx} answers not 2xx, ${errors} errors, ${timeouts} time-outs`));
      } else {
        resolve({
          requests: times.count,
          unavailable: times.unavailable,
          requestsPerSecond: times.count === 0 ? 0 : times.count / ((times.last - times.begun) / 1000),
          p50: times.count === 0 ? NaN : latencies.percentile(50) / 1000,
          p99: times.count === 0 ? NaN : latencies.percentile(99) / 1000,
        });
      }
    });
    // The requests are made and the connections asked for by now.
    times.begun = performance.now();
    run.on('response', (_client, status, _bytes, milliseconds) => {
      if (status === 503 && mayBeUnavailable) {
        times.unavailable += 1;
        return;
      }
      times.last = performance.now();
      times.count += 1;
      latencies.record(Math.max(1, Math.round(milliseconds * 1000)));
    });
  });
}

serve(load);
