import fc from 'fast-check';
import type { Call } from '../support/http-call.js';

/**
 * JSON that can be no JSON: scalars are text as it will be sent, an object is a list of pairs, so that a key can stand in
 * it twice or be `__proto__`.
 */
type Node = string | readonly Node[] | { readonly pairs: readonly (readonly [key: string, value: Node])[] };

/** A request before it is brought into shape. */
export interface Draft {
  readonly method: string;
  /** Between the slashes, encoded already. */
  readonly segments: readonly string[];
  readonly query: readonly (readonly [key: string, value: string])[];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Node | undefined;
}

export type Change =
  | { readonly in: 'method'; readonly to: string }
  | { readonly in: 'path'; readonly at: number; readonly how: 'replace' | 'insert' | 'remove'; readonly to: string }
  | { readonly in: 'query'; readonly key: string; readonly value: string }
  | { readonly in: 'headers'; readonly name: string; readonly value: string | null }
  | {
      readonly in: 'body';
      readonly at: number;
      readonly how: 'replace' | 'remove' | 'wrap' | 'again';
      readonly to: Node;
    }
  | { readonly in: 'body'; readonly at: number; readonly how: 'add'; readonly key: string; readonly to: Node };

/** Replaces bytes of what is sent, counted from the beginning in thousandths of its length. */
export interface Splice {
  readonly at: number;
  readonly remove: number;
  readonly insert: Uint8Array;
}

const IDS = ['standing', 'beside', 'erased', 'deleted', 'c1', 'c2', 'c3', 'c4', 'nobody'];
const SOURCES = Array.from({ length: 6 }, (_, index) => `00000000-0000-4000-8000-00000000000${index}`);

const quoted = (text: string): string => JSON.stringify(text);
const textOf = (...texts: readonly string[]): fc.Arbitrary<Node> => fc.constantFrom(...texts.map(quoted));

// ---- What a careful client sends ----

const object = (
  fields: Readonly<Record<string, fc.Arbitrary<Node>>>,
  always: readonly string[] = [],
): fc.Arbitrary<Node> =>
  fc
    .record(fields, { requiredKeys: [...always] })
    .map((values) => ({ pairs: Object.entries(values).map(([key, value]) => [key, value] as const) }));

const address = object({ country: textOf('US', 'DE'), city: textOf('Springfield'), line1: textOf('1 Main St') }, [
  'country',
]);
const certificate = object(
  {
    companyName: textOf('Example'),
    taxAuthority: textOf('California'),
    startDate: textOf('2026-01-01', '2026-01-01T00:00:00Z'),
    endDate: textOf('2027-01-01'),
    fileId: textOf('f1', 'f2'),
  },
  ['companyName', 'taxAuthority', 'startDate', 'endDate', 'fileId'],
);
const fields = {
  email: fc.oneof(textOf('jane@example.com', 'ann@example.com'), fc.constant('null')),
  locale: fc.oneof(textOf('en_US', 'de_DE'), fc.constant('null')),
  type: textOf('business', 'individual'),
  enabled: fc.constantFrom('true', 'false'),
  defaultSourceId: fc.oneof(textOf(...SOURCES), fc.constant('null')),
  shipping: object({ name: textOf('Jane'), phone: textOf('1'), email: textOf('jane@example.com'), address }),
  taxCertificate: certificate,
  metadata: object({ a: fc.constantFrom('1', '""', '"x"', '{"b":[]}'), k: textOf('v') }),
};
const creation = object({ id: textOf(...IDS), ...fields });
const changes = object({
  ...fields,
  requestToBeForgotten: fc.constantFrom('true', 'false'),
  sources: fc.constant('[]'),
});

const parameters = fc.subarray([
  ['limit', '5'],
  ['startingAfter', 'standing'],
  ['endingBefore', 'beside'],
  ['email', 'jane@example.com'],
  ['ids', 'standing,c1'],
  ['ids[]', 'c2'],
  ['requestToBeForgotten', 'true'],
  ['createdTime[gte]', '2026-01-01T00:00:00Z'],
  ['updatedTime[lt]', '2027-01-01T00:00:00.5%2B02:00'],
] as const);

const headers = fc.record(
  {
    accept: fc.constantFrom('*/*', 'application/json'),
    'idempotency-key': fc.constantFrom('k1', 'k2', 'k3'),
    'if-match': fc.constantFrom('*', '"0"', '"1", "2"'),
    'x-reason': fc.constantFrom('import', 'support_call; asked by phone'),
    'x-request-id': fc.constant('r-1'),
    traceparent: fc.constant('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Record<string, string>>;

const id = fc.constantFrom(...IDS);
const source = fc.oneof(fc.constantFrom(...SOURCES), fc.uuid());
const draft = (
  method: string,
  segments: fc.Arbitrary<readonly string[]>,
  body: fc.Arbitrary<Node | undefined> = fc.constant(undefined),
  query: fc.Arbitrary<Draft['query']> = fc.constant([]),
): fc.Arbitrary<Draft> => fc.record({ method: fc.constant(method), segments, query, headers, body });

const sources = fc.tuple(id, source).map(([customer, wanted]) => ['customers', customer, 'sources', wanted]);
const one = id.map((customer) => ['customers', customer]);

const careful: fc.Arbitrary<Draft> = fc.oneof(
  { weight: 3, arbitrary: draft('GET', fc.constant(['customers']), undefined, parameters) },
  { weight: 4, arbitrary: draft('POST', fc.constant(['customers']), creation) },
  { weight: 2, arbitrary: draft('GET', one) },
  { weight: 4, arbitrary: draft('POST', one, changes) },
  { weight: 1, arbitrary: draft('DELETE', one) },
  { weight: 2, arbitrary: draft('POST', sources) },
  { weight: 1, arbitrary: draft('DELETE', sources) },
);

// ---- What becomes of it ----

const KEYS = ['__proto__', 'constructor', 'prototype', 'toString', 'then', 'toJSON', '$ne', '$where', '', 'id', 'email', 'shipping', 'metadata', 'sources', 'length', 'a.b', '\u0000', '\ud800', 'k'.repeat(41), 'requestToBeForgotten', 'taxCertificates', 'liveMode']; // prettier-ignore
const RAW = ['null', 'true', '0', '-0', '-1', '1.5', '1e999', '9'.repeat(400), '""', '"x"', '[]', '{}', '[[[]]]', '{"$ne":null}', '{"__proto__":{"a":1}}', '"\\ud800"', '"\\u0000"', '"\\ud83d\\ude00"', 'NaN', 'undefined', '01', "'x'", '"', '{', ']', '', '"\\x"', '[1,]', '{"a":1,"a":2}', quoted('x'.repeat(501)), '['.repeat(300), '{"a":'.repeat(20) + '1' + '}'.repeat(20)]; // prettier-ignore
const HEADERS = ['authorization', 'content-type', 'content-encoding', 'accept', 'idempotency-key', 'if-match', 'x-request-id', 'traceparent', 'x-reason', 'cookie', 'expect', 'accept-encoding', 'x-http-method-override', 'range', 'origin']; // prettier-ignore
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'];
const SEGMENTS = ['%', '%00', '%zz', '%2e%2e', '..', '.', '', '%ff', '%2F', 'x'.repeat(500), 'customers', 'sources', 'docs', '%F0%9F%98%80', '*', '__proto__', 'jane@example.com', 'standing%20', 'STANDING', '%73tanding']; // prettier-ignore
const QUERY_KEYS = ['limit', 'startingAfter', 'endingBefore', 'email', 'ids', 'ids[]', 'ids[9999]', 'requestToBeForgotten', 'createdTime', 'createdTime[gte]', 'updatedTime[ne]', 'email[$ne]', 'limit[]', '__proto__[x]', '%', '', '%00']; // prettier-ignore
const QUERY_VALUES = ['', '0', '1', '101', '-1', '1e3', 'true', 'null', '%', '%00', '%ff', 'a,b,,c', ','.repeat(300), 'x'.repeat(3_000), 'standing', '2026-02-30T00:00:00Z', '2026-01-01T00:00:00+02:00', '%7B%22$ne%22:1%7D', "'%20OR%201=1"]; // prettier-ignore
const HEADER_VALUES = ['', ' ', '*', '"', '"0"', 'W/"1"', 'Bearer x', 'Bearer', 'text/html', 'text/plain', 'application/json; charset=utf-16', 'gzip', 'identity', 'x'.repeat(300), '\u00e9', 'a b', '__proto__', '100-continue', 'k1']; // prettier-ignore

const printable = (max: number): fc.Arbitrary<string> => fc.string({ unit: 'grapheme-ascii', maxLength: max });
const inAddress = printable(20).map((text) => text.replaceAll(/[ #]/g, ''));
const anyNode: fc.Arbitrary<Node> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...RAW) },
  { weight: 1, arbitrary: fc.json({ maxDepth: 3 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }).map(quoted) },
);
const anyKey = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...KEYS) },
  fc.string({ unit: 'binary', maxLength: 8 }),
);

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ in: fc.constant('method'), to: fc.constantFrom(...METHODS) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      in: fc.constant('path'),
      at: fc.nat(4),
      how: fc.constantFrom('replace', 'replace', 'insert', 'remove'),
      to: fc.oneof(fc.constantFrom(...SEGMENTS), inAddress),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      in: fc.constant('query'),
      key: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...QUERY_KEYS) }, inAddress),
      value: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...QUERY_VALUES) }, inAddress),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      in: fc.constant('headers'),
      name: fc.constantFrom(...HEADERS),
      value: fc.oneof(fc.constantFrom(...HEADER_VALUES), fc.constant(null), printable(40)),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      in: fc.constant('body'),
      at: fc.nat(40),
      how: fc.constantFrom('replace', 'replace', 'replace', 'remove', 'wrap', 'again'),
      to: anyNode,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      in: fc.constant('body'),
      at: fc.nat(10),
      how: fc.constant('add'),
      key: anyKey,
      to: anyNode,
    }),
  },
);

const splice: fc.Arbitrary<Splice> = fc.record({
  at: fc.nat(1_000),
  remove: fc.nat(8),
  insert: fc.oneof(
    fc.uint8Array({ maxLength: 6 }),
    fc
      .constantFrom('\r\n', '\r\n\r\n', '\0', '"', '{', '}', ':', ' ', '\ufeff', '-1')
      .map((text) => new Uint8Array(Buffer.from(text))),
  ),
});

/** A careful request with up to four things wrong with it, some of them in the bytes of its body. */
export const badRequest: fc.Arbitrary<{ draft: Draft; changes: readonly Change[]; splices: readonly Splice[] }> =
  fc.record({
    draft: careful,
    changes: fc.array(change, { maxLength: 3 }),
    splices: fc.oneof({ weight: 5, arbitrary: fc.constant([]) }, fc.array(splice, { minLength: 1, maxLength: 2 })),
  });

/** The same, to be written out whole: what is wrong is in the bytes of the message. */
export const badMessage = fc.record({
  draft: careful,
  changes: fc.array(change, { maxLength: 1 }),
  splices: fc.array(splice, { minLength: 1, maxLength: 3 }),
});

// ---- How it is carried out ----

export function callOf(wanted: Draft, changed: readonly Change[], splices: readonly Splice[]): Call {
  const { method, segments, query, headers: named, body } = changed.reduce(apply, wanted);
  const text = body === undefined ? undefined : spliced(Buffer.from(jsonOf(body)), splices);
  const search = query.map(([key, value]) => `${key}=${value}`).join('&');
  return {
    method,
    path: `/${segments.join('/')}${search === '' ? '' : `?${search}`}`,
    headers: { ...(text !== undefined && { 'content-type': 'application/json' }), ...named },
    ...(text !== undefined && { body: text }),
  };
}

/** @param secret of the key that stands where no other authorization does */
export function messageOf(
  { method = 'GET', path, headers: named = {}, body = Buffer.alloc(0) }: Call,
  secret: string,
  splices: readonly Splice[],
): Buffer {
  const lines = Object.entries({ host: 'x', connection: 'close', authorization: `Bearer ${secret}`, ...named });
  const length = Buffer.byteLength(body as Buffer);
  const head = [
    `${method} ${path} HTTP/1.1`,
    ...lines.map(([name, value]) => `${name}: ${value}`),
    `content-length: ${length}`,
  ];
  return spliced(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body as Buffer]), splices);
}

const spliced = (bytes: Buffer, splices: readonly Splice[]): Buffer =>
  splices.reduce((before, { at, remove, insert }) => {
    const from = Math.floor((before.length * at) / 1_000);
    return Buffer.concat([before.subarray(0, from), insert, before.subarray(from + remove)]);
  }, bytes);

function apply(before: Draft, wanted: Change): Draft {
  switch (wanted.in) {
    case 'method':
      return { ...before, method: wanted.to };
    case 'path': {
      const segments = [...before.segments];
      segments.splice(wanted.at, wanted.how === 'insert' ? 0 : 1, ...(wanted.how === 'remove' ? [] : [wanted.to]));
      return { ...before, segments };
    }
    case 'query':
      return { ...before, query: [...before.query, [wanted.key, wanted.value]] };
    case 'headers': {
      const { [wanted.name]: _, ...others } = before.headers;
      // An empty authorization is sent as such: the key is added only where there is none.
      const value = wanted.value ?? (wanted.name === 'authorization' ? '' : null);
      return { ...before, headers: value === null ? others : { ...others, [wanted.name]: value } };
    }
    case 'body':
      return {
        ...before,
        body: changedNode(before.body ?? { pairs: [] }, wanted, { left: wanted.at % Math.max(1, size(before.body)) }),
      };
    default:
      return wanted satisfies never;
  }
}

const size = (node: Node | undefined): number => {
  if (node === undefined || typeof node === 'string') return 1;
  const inner = 'pairs' in node ? node.pairs.map(([, value]) => value) : node;
  return inner.reduce((sum, child) => sum + size(child), 1);
};

/** The nodes are counted as they are met; the one at which the count ends is the one to be changed. */
function changedNode(node: Node, wanted: Extract<Change, { in: 'body' }>, count: { left: number }): Node {
  if (count.left-- === 0) {
    if (wanted.how === 'wrap') return [node];
    if (wanted.how !== 'add') return wanted.to;
    const pairs = typeof node !== 'string' && 'pairs' in node ? node.pairs : [];
    return { pairs: [...pairs, [wanted.key, wanted.to]] };
  }
  if (typeof node === 'string') return node;
  if (!('pairs' in node)) return node.map((child) => changedNode(child, wanted, count));
  return {
    pairs: node.pairs.flatMap(([key, child]) => {
      const hit = count.left === 0;
      const next = [key, changedNode(child, wanted, count)] as const;
      if (hit && wanted.how === 'remove') return [];
      return hit && wanted.how === 'again' ? [[key, child] as const, next] : [next];
    }),
  };
}

function jsonOf(node: Node): string {
  if (typeof node === 'string') return node;
  if ('pairs' in node) return `{${node.pairs.map(([key, value]) => `${quoted(key)}:${jsonOf(value)}`).join(',')}}`;
  return `[${node.map(jsonOf).join(',')}]`;
}
