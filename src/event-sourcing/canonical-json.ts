import { createRequire } from 'node:module';

// The package is CommonJS while its types declare an ES default export: required, it is what it is.
const serialize = createRequire(import.meta.url)('canonicalize') as (value: unknown) => string | undefined;

/** RFC 8785 (JSON Canonicalization Scheme). @throws Error for what JSON can't carry */
export function canonicalJson(value: unknown): string {
  const text = serialize(value);
  if (text === undefined) throw new TypeError('Not a JSON value');
  return text;
}
