const DEPTH = 3;

/**
 * Names and codes of an error and of what caused it, for a line of a log: `StoreUnavailable (NotWritablePrimary 10107)`.
 * Never a message, which may quote what is personal.
 */
export function namesOf(error: unknown): string {
  const names: string[] = [];
  for (let at = error; at !== undefined && names.length < DEPTH; at = fieldsOf(at).cause) names.push(nameOf(at));
  const [first = 'undefined', ...causes] = names;
  return causes.length === 0 ? first : `${first} (${causes.join(', ')})`;
}

/** A name or a code, but no text that could hold more. */
export const plainWord = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[\w.-]{1,64}$/.test(value) ? value : undefined;

function nameOf(error: unknown): string {
  const { name, code } = fieldsOf(error);
  const word = plainWord(name) ?? (error instanceof Error ? 'Error' : typeof error);
  const number = typeof code === 'number' ? String(code) : plainWord(code);
  return number === undefined ? word : `${word} ${number}`;
}

interface Fields {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly cause?: unknown;
}

/** By shape: errors made by native code need not be of this realm's `Error`. */
const fieldsOf = (error: unknown): Fields => (typeof error === 'object' && error !== null ? error : {});
