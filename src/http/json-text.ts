import { isKept } from './json-numbers.js';

/** Deeper than any valid body: a metadata value of 500 characters nests 250 levels at most. */
export const MAX_DEPTH = 256;
/** A valid body has fewer: 20 metadata values of 500 characters hold some 5,000. Bounds the time a body takes. */
export const MAX_VALUES = 10_000;
/** Read by `JSON.parse` as Infinity, which no rule takes. */
const LOST = '1e999';

export type JsonFault =
  | { readonly kind: 'malformed'; readonly line: number; readonly column: number }
  | { readonly kind: 'too_deep' | 'too_many' }
  /** `field` is the one of the body in which it stands; undefined for a body that is no object. */
  | { readonly kind: 'repeated_name'; readonly field: string | undefined };

export interface CheckedJson {
  readonly kind: 'sound';
  /** With Infinity in the place of each number that would come out as another one: no rule takes it. */
  readonly text: string;
  /** The same with these numbers as they were written; absent where there are none. */
  readonly meaning?: string;
}

/** What may come next. */
type Expected = 'value' | 'value_or_end' | 'name' | 'name_or_end' | 'colon' | 'comma_or_end' | 'nothing';

/** The names an object had so far; `undefined` stands for an array. */
type Container = Set<string> | undefined;

const SPACE = /[\t\n\r ]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORD = /true|false|null/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/**
 * Scans JSON before `JSON.parse`, which does not report: the line and column of a syntax error, names given twice in one
 * object (RFC 8259 leaves open which one counts), numbers that a double can't hold, and bodies with too many values.
 */
export class JsonText {
  private at = 0;
  private values = 0;
  private expected: Expected = 'value';
  private readonly open: Container[] = [];
  private field: string | undefined;
  private readonly lost: { readonly from: number; readonly to: number }[] = [];

  private constructor(private readonly text: string) {}

  /** @returns the texts for `JSON.parse`, or the first fault */
  static check(text: string): CheckedJson | JsonFault {
    const scan = new JsonText(text);
    const fault = scan.run();
    if (fault !== undefined) return fault;
    if (scan.lost.length === 0) return { kind: 'sound', text };
    return { kind: 'sound', text: scan.replacing(() => LOST), meaning: scan.replacing(marked) };
  }

  private run(): JsonFault | undefined {
    for (;;) {
      this.skip(SPACE);
      if (this.at >= this.text.length) return this.expected === 'nothing' ? undefined : this.malformed();
      const fault = this.step(this.text[this.at] ?? '');
      if (fault !== undefined) return fault;
    }
  }

  private step(char: string): JsonFault | undefined {
    switch (this.expected) {
      case 'value':
        return this.value(char);
      case 'value_or_end':
        return char === ']' ? this.close() : this.value(char);
      case 'name':
        return this.name(char);
      case 'name_or_end':
        return char === '}' ? this.close() : this.name(char);
      case 'colon':
        return this.sign(char === ':', 'value');
      case 'comma_or_end':
        return this.next(char);
      case 'nothing':
        return this.malformed();
      default:
        return this.expected satisfies never;
    }
  }

  private value(char: string): JsonFault | undefined {
    if (++this.values > MAX_VALUES) return { kind: 'too_many' };
    if (char === '{' || char === '[') return this.enter(char === '{' ? new Set() : undefined);
    if (char === '"') return this.string() ? this.ended() : this.malformed();
    if (char === '-' || (char >= '0' && char <= '9')) return this.number();
    return this.skip(WORD) ? this.ended() : this.malformed();
  }

  private enter(container: Container): JsonFault | undefined {
    if (this.open.push(container) > MAX_DEPTH) return { kind: 'too_deep' };
    this.at++;
    this.expected = container === undefined ? 'value_or_end' : 'name_or_end';
    return undefined;
  }

  private close(): JsonFault | undefined {
    this.open.pop();
    this.at++;
    return this.ended();
  }

  private ended(): JsonFault | undefined {
    this.expected = this.open.length === 0 ? 'nothing' : 'comma_or_end';
    return undefined;
  }

  private next(char: string): JsonFault | undefined {
    const inObject = this.open.at(-1) !== undefined;
    if (char === (inObject ? '}' : ']')) return this.close();
    return this.sign(char === ',', inObject ? 'name' : 'value');
  }

  private sign(isThere: boolean, then: Expected): JsonFault | undefined {
    if (!isThere) return this.malformed();
    this.at++;
    this.expected = then;
    return undefined;
  }

  private name(char: string): JsonFault | undefined {
    const from = this.at;
    if (char !== '"' || !this.string()) return this.malformed();
    const name = unquoted(this.text.slice(from, this.at));
    if (this.open.length === 1) this.field = name;
    const names = this.open.at(-1);
    if (names?.has(name) === true) return { kind: 'repeated_name', field: this.field };
    names?.add(name);
    this.expected = 'colon';
    return undefined;
  }

  /** @returns whether it came to its end; if not, the place is where it went wrong */
  private string(): boolean {
    for (this.at++; this.at < this.text.length;) {
      const code = this.text.charCodeAt(this.at);
      if (code === QUOTE) {
        this.at++;
        return true;
      }
      if (code < FIRST_PRINTABLE) return false;
      if (code !== BACKSLASH) this.at++;
      else if (!this.skip(ESCAPE)) return false;
    }
    return false;
  }

  private number(): JsonFault | undefined {
    const from = this.at;
    if (!this.skip(NUMBER)) return this.malformed();
    if (!isKept(this.text.slice(from, this.at))) this.lost.push({ from, to: this.at });
    return this.ended();
  }

  /** Moves behind what the pattern matches here. @returns whether there was anything */
  private skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    const [matched = ''] = pattern.exec(this.text) ?? [];
    this.at += matched.length;
    return matched !== '';
  }

  /** Lines and columns count from 1; a column is a UTF-16 unit. */
  private malformed(): JsonFault {
    const before = this.text.slice(0, this.at).split(/\r\n|\r|\n/);
    return { kind: 'malformed', line: before.length, column: (before.at(-1) ?? '').length + 1 };
  }

  /** With something else in the place of each number that is lost. */
  private replacing(replacement: (token: string) => string): string {
    let text = '';
    let behind = 0;
    for (const { from, to } of this.lost) {
      text += this.text.slice(behind, from) + replacement(this.text.slice(from, to));
      behind = to;
    }
    return text + this.text.slice(behind);
  }
}

/** No text that is sent can look like it and be taken: it holds a control character. */
const marked = (token: string): string => JSON.stringify(`\u0000number ${token}`);

const [QUOTE, BACKSLASH, FIRST_PRINTABLE] = [0x22, 0x5c, 0x20];

/** Two ways to write a name are the same name. */
const unquoted = (text: string): string => (text.includes('\\') ? String(JSON.parse(text)) : text.slice(1, -1));
