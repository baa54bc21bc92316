import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { context, propagation, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { HttpCaller } from '../../test/support/http-call.js';
import { startTestApp, type TestApp } from '../../test/support/test-app.js';
import type { Stores } from '../adapters.js';
import { readMetadata } from '../event-sourcing/envelope.js';
import type { EventStore } from '../event-sourcing/event-store.js';
import { StoreUnavailable } from '../event-sourcing/store-errors.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
const traceparent = `00-${TRACE}-${CALLER}-01`;

const exporter = new InMemorySpanExporter();

function registerSdk(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
}

const named = (name: string): ReadableSpan[] => exporter.getFinishedSpans().filter((span) => span.name === name);
const idOf = (span: ReadableSpan | undefined): string | undefined => span?.spanContext().spanId;

/** As instrumentations of HTTP do: each request is emitted under the span of the server. */
function instrument(http: Server, span: Span): { restore(): void } {
  const emit = http.emit.bind(http) as (...event: unknown[]) => boolean;
  http.emit = (...event: unknown[]) => context.with(trace.setSpan(context.active(), span), () => emit(...event));
  return { restore: () => (http.emit = emit) };
}

async function recordedTraceparents(app: TestApp, stream: string): Promise<(string | undefined)[]> {
  return (await app.stores.eventStore.read(stream)).map((event) => readMetadata(event).traceparent);
}

describe('tracing', () => {
  let app: TestApp;
  const broken: { append?: EventStore['append'] } = {};
  beforeAll(async () => {
    const wrap = (stores: Stores): Stores => {
      const { eventStore } = stores;
      const append = eventStore.append.bind(eventStore);
      eventStore.append = (...of) => (broken.append ?? append)(...of);
      return stores;
    };
    app = await startTestApp({ wrap });
  });
  afterAll(() => app.close());
  beforeEach(() => exporter.reset());

  const post = (url: string, body: object, headers = {}) => app.request({ method: 'POST', url, body, headers });

  // First, for what is registered stays.
  it('without an SDK keeps the traceparent of the caller with the events', async () => {
    await post('/customers', { id: 'plain', locale: 'en_US' }, { traceparent });
    expect(await recordedTraceparents(app, 'customer-plain')).toEqual([traceparent]);
  });

  describe('with an SDK', () => {
    beforeAll(registerSdk);

    it("puts command, append and write-through into the caller's trace, and the command's span into the events", async () => {
      await post('/customers', { id: 'c1', email: 'jane@example.com' }, { traceparent });
      const [command] = named('command CreateCustomer');
      const [append] = named('append');
      const project = named('project').find((span) => span.parentSpanContext?.spanId === idOf(command));
      expect(command?.spanContext().traceId).toBe(TRACE);
      expect(command?.parentSpanContext?.spanId).toBe(CALLER);
      expect(command?.attributes).toEqual({ 'customers.command': 'CreateCustomer', 'customers.outcome': 'done' });
      expect(append?.parentSpanContext?.spanId).toBe(idOf(command));
      expect(append?.attributes).toEqual({ 'customers.events': 1, 'customers.outcome': 'appended' });
      expect(project?.attributes).toEqual({ 'customers.events': 1 });
      expect(await recordedTraceparents(app, 'customer-c1')).toEqual([`00-${TRACE}-${idOf(command)}-01`]);
    });

    it('begins a trace for a command that nobody sent along with one, and names it in its events', async () => {
      await post('/customers', { id: 'c2', locale: 'en_US' });
      const [command] = named('command CreateCustomer');
      expect(command?.parentSpanContext).toBeUndefined();
      const { traceId, spanId } = command!.spanContext();
      expect(await recordedTraceparents(app, 'customer-c2')).toEqual([`00-${traceId}-${spanId}-01`]);
    });

    it('names the command in the claim on a source as well', async () => {
      const sourceId = randomUUID();
      await post('/customers', { id: 'c3' });
      await post(`/customers/c3/sources/${sourceId}`, {}, { traceparent });
      const [command] = named('command AttachSource');
      const expected = `00-${TRACE}-${idOf(command)}-01`;
      expect(await recordedTraceparents(app, `source-${sourceId}`)).toEqual([expected]);
      expect(named('append').filter((span) => span.parentSpanContext?.spanId === idOf(command))).toHaveLength(2);
    });

    it("leaves the span of an HTTP instrumentation the parent, and reads the caller's header no more", async () => {
      const server = trace.getTracer('http').startSpan('POST');
      const http = new HttpCaller(await app.listen(), app.secret);
      const instrumented = instrument(app.service.app.getHttpServer(), server);
      await http.call({ method: 'POST', path: '/customers', body: { id: 'c4' }, headers: { traceparent } });
      instrumented.restore();
      http.close();
      server.end();
      const [command] = named('command CreateCustomer');
      expect(command?.parentSpanContext?.spanId).toBe(server.spanContext().spanId);
      expect(command?.spanContext().traceId).toBe(server.spanContext().traceId);
    });

    it('keeps the traces of requests apart that run at the same time', async () => {
      const traces = Array.from({ length: 20 }, (_, n) => (n + 1).toString(16).padStart(32, 'a'));
      await Promise.all(
        traces.map((traceId, n) =>
          post('/customers', { id: `par-${n}` }, { traceparent: `00-${traceId}-${CALLER}-01` }),
        ),
      );
      for (const [n, traceId] of traces.entries()) {
        const [recorded] = await recordedTraceparents(app, `customer-par-${n}`);
        const command = named('command CreateCustomer').find((span) => span.spanContext().traceId === traceId);
        expect(recorded).toBe(`00-${traceId}-${idOf(command)}-01`);
      }
    });

    it('puts a span round a query, and one round what the projector does', async () => {
      await post('/customers', { id: 'c5' });
      const bySubscription = () => named('project').filter((span) => span.parentSpanContext === undefined);
      while (bySubscription().length === 0) await delay(5);
      await app.request({ method: 'GET', url: '/customers/c5', headers: { traceparent } });
      await app.request({ method: 'GET', url: '/customers?limit=1' });
      expect(named('query GetCustomer').map((span) => [span.spanContext().traceId, span.attributes])).toEqual([
        [TRACE, { 'customers.query': 'GetCustomer', 'customers.outcome': 'done' }],
      ]);
      expect(named('query ListCustomers')).toHaveLength(1);
      expect(bySubscription().map(({ attributes }) => Object.keys(attributes))).toContainEqual(['customers.events']);
    });

    it('tells of a refusal and a conflict, but not as errors', async () => {
      await post('/customers', { id: 'c6' });
      exporter.reset();
      expect((await post('/customers', { id: 'c6', locale: 'en_US' })).statusCode).toBe(409);
      const [refused] = named('command CreateCustomer');
      exporter.reset();
      const raced = await Promise.all([post('/customers', { id: 'c8' }), post('/customers', { id: 'c8' })]);
      expect(raced.map(({ statusCode }) => statusCode).sort()).toEqual([201, 409]);
      expect(
        named('append').map(({ status, attributes }) => [status.code, attributes['customers.outcome']]),
      ).toContainEqual([SpanStatusCode.UNSET, 'conflict']);
      expect(refused?.status.code).toBe(SpanStatusCode.UNSET);
      expect(refused?.attributes).toMatchObject({ 'customers.outcome': 'refused', 'error.type': 'CustomerError' });
    });

    it('marks an outage as an error, from the append up to the command', async () => {
      const down = new StoreUnavailable('event_log');
      broken.append = () => Promise.reject(down);
      expect((await post('/customers', { id: 'c7' })).statusCode).toBe(503);
      delete broken.append;
      for (const span of [...named('append'), ...named('command CreateCustomer')]) {
        expect(span.status).toEqual({ code: SpanStatusCode.ERROR });
        expect(span.attributes).toMatchObject({ 'customers.outcome': 'unavailable', 'error.type': 'StoreUnavailable' });
      }
      expect([named('append').length, named('command CreateCustomer').length]).toEqual([1, 1]);
    });

    it('shows nothing of a customer in any span', async () => {
      const secrets = { id: 'canary-4711', email: 'canary@example.com', name: 'Canary', requestId: 'canary-request' };
      const headers = { 'x-request-id': secrets.requestId, 'idempotency-key': 'canary-key', traceparent };
      const { id } = secrets;
      await post('/customers', { id, email: secrets.email, metadata: { canary: 'canary-value' } }, headers);
      await post('/customers', { id, email: secrets.email });
      await post(`/customers/${id}`, { shipping: { name: secrets.name } }, { 'if-match': '"99"' });
      await app.request({ method: 'GET', url: `/customers/${id}` });
      await app.request({ method: 'GET', url: `/customers?email=${secrets.email}` });
      await app.request({ method: 'GET', url: '/customers/canary-nobody' });
      await app.request({ method: 'DELETE', url: `/customers/${id}` });
      const spans = exporter.getFinishedSpans().map(({ name, attributes, events, links, status }) => ({
        name,
        attributes,
        events,
        links,
        status,
      }));
      expect(spans.length).toBeGreaterThan(10);
      expect(JSON.stringify(spans)).not.toMatch(/canary/i);
    });
  });
});
