import type { Answered } from './fixtures.js';

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The part of an answer that every later release gives alike. It leaves out
 * - messages of errors, except those that clients compare;
 * - the text of cursors: that a recorded one still leads to its page shows in the answer recorded for that page;
 * - the number of events under a checkpoint, which grows;
 * - at the end of a log or of a list of deliveries, what happened after the recording: the deletion that was not finished.
 *
 * @param recorded the answer to compare with; tells where a log ended
 */
export function comparable(answered: Answered, recorded: Answered, unfinished: string): unknown {
  const { status, etag, answer } = answered;
  return { status, etag, answer: isObject(answer) ? comparableBody(answer, recorded, unfinished) : answer };
}

function comparableBody(body: Json, { path, status, answer }: Answered, unfinished: string): unknown {
  if (status >= 400) return { ...body, errors: (body['errors'] as readonly Json[]).map(comparableError) };
  const kept = { ...without(body, 'underCheckpoint'), ...('next' in body && { next: typeof body['next'] }) };
  const isEnd = isObject(answer) && answer['hasMore'] === false;
  if (!isEnd || !/^\/(audit\/)?events|\/deliveries/.test(path)) return kept;
  const data = (body['data'] as readonly Json[]).filter((item) => !isAbout(item, unfinished));
  return { ...without(kept, 'hasMore'), data };
}

const without = (body: Json, field: string): Json =>
  Object.fromEntries(Object.entries(body).filter(([name]) => name !== field));

const comparableError = ({ message, ...error }: Json): Json => ({
  ...error,
  ...(typeof message === 'string' && message.startsWith('Customer ') && { message }),
});

const isAbout = ({ customerId, subject }: Json, id: string): boolean => customerId === id || subject === id;
