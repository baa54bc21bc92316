/**
 * What free text may hold, decided once for every field, header and option (docs/values.md has the table).
 * A `line` is shown or sent on one line and holds no control character: a line break in a name would end a mail header.
 * A `text` may have several lines: tab, line feed and carriage return are the control characters it can hold.
 * Half a surrogate pair is in neither; see `isWellFormed`.
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

/** What is wrong with a text that is not free, to stand behind the parameter's name. */
export const notFree = (kind: TextKind): string => MESSAGES[kind];
