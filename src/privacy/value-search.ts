import { formsOf } from './value-forms.js';

export interface Finding {
  readonly place: string;
  /** Which of the values, from 1: never the value itself. */
  readonly value: number;
  readonly form: string;
  readonly count: number;
}

interface Sought {
  readonly value: number;
  readonly form: string;
  readonly bytes: Buffer;
}

const SLOTS = 2 ** 20;

/**
 * Looks for values in bytes, in every form of {@link formsOf}, all at once and in one walk. The case of ASCII letters does not
 * count, also in what is no text: that finds too much rather than too little.
 */
export class ValueSearch {
  private readonly beginnings = new Map<number, Sought[]>();
  private readonly slots = new Uint8Array(SLOTS);
  private readonly longest: number;
  private readonly counts = new Map<string, { readonly finding: Omit<Finding, 'count'>; count: number }>();

  constructor(values: readonly string[]) {
    let longest = 0;
    for (const [at, value] of values.entries()) {
      for (const { name, bytes } of formsOf(value)) {
        this.seek({ value: at + 1, form: name, bytes: lowerCased(bytes) });
        longest = Math.max(longest, bytes.length);
      }
    }
    this.longest = longest;
  }

  get findings(): readonly Finding[] {
    return [...this.counts.values()].map(({ finding, count }) => ({ ...finding, count }));
  }

  /** For what comes in pieces: takes them one after the other, and finds also what lies across two of them. */
  in(place: string): (piece: Uint8Array) => void {
    let before = Buffer.alloc(0);
    return (piece) => {
      const bytes = Buffer.concat([before, lowerCased(piece)]);
      this.walk(place, bytes, before.length);
      before = bytes.subarray(Math.max(0, bytes.length - this.longest + 1));
    };
  }

  private seek(sought: Sought): void {
    const beginning = sought.bytes.readUInt32BE(0);
    const beside = this.beginnings.get(beginning) ?? [];
    // Without anything to escape, many forms are the same.
    if (beside.some(({ value, bytes }) => value === sought.value && bytes.equals(sought.bytes))) return;
    this.slots[slotOf(beginning)] = 1;
    this.beginnings.set(beginning, [...beside, sought]);
  }

  /** @param known how many bytes were walked before: what ends in them was found then */
  private walk(place: string, bytes: Buffer, known: number): void {
    let four = 0;
    for (let end = 0; end < bytes.length; end += 1) {
      four = ((four << 8) | (bytes[end] ?? 0)) >>> 0;
      if (end < 3 || this.slots[slotOf(four)] === 0) continue;
      for (const sought of this.beginnings.get(four) ?? []) {
        const start = end - 3;
        const after = start + sought.bytes.length;
        if (after > known && bytes.subarray(start, after).equals(sought.bytes)) this.found(place, sought);
      }
    }
  }

  private found(place: string, { value, form }: Sought): void {
    const name = `${String(value)} ${form} ${place}`;
    const entry = this.counts.get(name) ?? { finding: { place, value, form }, count: 0 };
    entry.count += 1;
    this.counts.set(name, entry);
  }
}

const slotOf = (four: number): number => (four ^ (four >>> 12)) & (SLOTS - 1);

function lowerCased(bytes: Uint8Array): Buffer {
  const lower = Buffer.from(bytes);
  for (let at = 0; at < lower.length; at += 1) {
    const byte = lower[at] ?? 0;
    if (byte >= 0x41 && byte <= 0x5a) lower[at] = byte + 0x20;
  }
  return lower;
}
