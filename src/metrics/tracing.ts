import {
  type Attributes,
  isSpanContextValid,
  ProxyTracerProvider,
  type Span,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';

const NAME = 'customers';
const tracer = trace.getTracer(NAME);

/** Whether the process that runs the service has registered an SDK; it may do so at any time. */
export function isTraced(): boolean {
  const provider = trace.getTracerProvider();
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- until the next major version nothing else tells it
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer(NAME) !== undefined;
}

/**
 * Work under a span of its own, or just the work where nobody collects spans: what the API does then costs more than a
 * request should. Names and attributes hold what a deployment has few of (commands, outcomes, numbers), never an id or a
 * value: of an error only its class is told, for a message may name a customer.
 * @param isFault whether an error counts against the service; a refusal does not
 */
export function inSpan<T>(
  name: string,
  attributes: Attributes,
  work: (span: Span | undefined) => Promise<T>,
  isFault: (error: unknown) => boolean = () => true,
): Promise<T> {
  if (!isTraced()) return work(undefined);
  return tracer.startActiveSpan(name, { attributes }, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      span.setAttribute('error.type', error instanceof Error ? error.name : typeof error);
      if (isFault(error)) span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** W3C Trace Context, 3.2, for what this span causes. */
export function traceparentFor(span: Span): string | undefined {
  const spanContext = span.spanContext();
  if (!isSpanContextValid(spanContext)) return undefined;
  const flags = (spanContext.traceFlags & 0xff).toString(16).padStart(2, '0');
  return `00-${spanContext.traceId}-${spanContext.spanId}-${flags}`;
}
