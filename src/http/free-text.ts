/**
 * Which control characters free text may hold: one rule for every field, header and option (table in docs/values.md).
 * A `line` holds none: a line break in a name would end a mail header. A `text` may have several lines and holds tab, line
 * feed and carriage return. `isWellFormed` refuses unpaired surrogates in both.
 */
export type TextKind = 'line' | 'text';

const REFUSED: Readonly<Record<TextKind, RegExp>> = { line: /\p{Cc}/u, text: /[^\P{Cc}\t\n\r]/u };

/** The same rules in the syntax that JSON Schema, Python, Rust, Java and Go share. */
export const TEXT_PATTERNS: Readonly<Record<TextKind, string>> = {
  line: '^[^\\x00-\\x1f\\x7f-\\x9f]*$',
  text: '^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*$',
};

const MESSAGES: Readonly<Record<TextKind, string>> = {
  line: 'must not hold control characters, line breaks and tabs among them',
  text: 'must not hold control characters other than tab, line feed and carriage return',
};

export const isFree = (kind: TextKind, text: string): boolean => !REFUSED[kind].test(text);

/** The rest of a message that begins with the parameter's name. */
export const notFree = (kind: TextKind): string => MESSAGES[kind];
