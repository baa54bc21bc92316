interface ErrorFields {
  readonly code?: unknown;
  readonly errcode?: unknown;
  readonly message?: unknown;
}

/** By shape: errors made by native code need not be of this realm's `Error`. */
export const fieldsOf = (error: unknown): ErrorFields => (typeof error === 'object' && error !== null ? error : {});

export const hasCode = (error: unknown, code: string): boolean => fieldsOf(error).code === code;

export function hasMessage(error: unknown, pattern: RegExp): boolean {
  const { message } = fieldsOf(error);
  return typeof message === 'string' && pattern.test(message);
}
