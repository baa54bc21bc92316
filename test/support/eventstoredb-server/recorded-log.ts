import { EventEmitter } from 'node:events';

export interface Proposed {
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

export interface Recorded extends Proposed {
  readonly stream: string;
  readonly revision: number;
  /** Where the record begins; commit and prepare position of an event are the same. */
  readonly position: bigint;
  /** Where the next record begins. */
  readonly end: bigint;
  /** Milliseconds since the epoch. */
  readonly created: number;
}

export type Expectation = number | 'no_stream' | 'any' | 'stream_exists';

export type Outcome =
  | { readonly kind: 'appended'; readonly last: Recorded; readonly repeated: boolean }
  /** The same append is in the log but not in the index yet: the server says nothing, and expects it to be sent again. */
  | { readonly kind: 'not_indexed' }
  | { readonly kind: 'wrong_version'; readonly current: number | undefined }
  | { readonly kind: 'deleted' };

/** What is answered. */
export type Answered = Exclude<Outcome, { kind: 'not_indexed' }>;
/** A copy of a server's disk. */
export interface LogBackup {
  readonly records: readonly Recorded[];
  readonly truncated: ReadonlyMap<string, number>;
}

/** What the server keeps: one log of records whose positions are byte offsets, as far as a client can tell. */
export class RecordedLog extends EventEmitter<{ grown: [] }> {
  records: Recorded[] = [];
  /** Last events of appends that are written and not yet in the index. */
  readonly unindexed = new Set<Recorded>();
  private streams = new Map<string, Recorded[]>();
  private readonly tombstones = new Set<string>();
  private readonly truncated = new Map<string, number>();
  /** Where records stood that a scavenge removed. */
  private readonly scavenged = new Set<bigint>();
  private recent = new Map<string, Recorded>();

  constructor() {
    super();
    this.setMaxListeners(0);
    this.begin();
  }

  /** Where the next record will begin. */
  get end(): bigint {
    return this.records.at(-1)?.end ?? 0n;
  }

  /** What can be read of a stream. */
  stream(name: string): readonly Recorded[] {
    const whole = this.whole(name);
    const first = this.truncated.get(name);
    return first === undefined ? whole : whole.slice(first);
  }

  /** Index of the record that begins there, or of the one to come; undefined where no record begins. */
  place(position: bigint): number | undefined {
    if (position >= this.end) return this.records.length;
    let [low, high] = [0, this.records.length];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((this.records[middle]?.position ?? 0n) < position) low = middle + 1;
      else high = middle;
    }
    return this.records[low]?.position === position || this.scavenged.has(position) ? low : undefined;
  }

  isDeleted(name: string): boolean {
    return this.tombstones.has(name);
  }

  /** All of it or nothing. At a concrete expectation the same ids again are the same append; their payload is not compared. */
  append(stream: string, expected: Expectation, events: readonly Proposed[]): Outcome {
    if (this.tombstones.has(stream)) return { kind: 'deleted' };
    const present = this.whole(stream);
    const current = present.at(-1)?.revision;
    const known = this.recent.get(events.at(-1)?.id ?? '');
    const loose = expected === 'any' || expected === 'stream_exists';
    if (loose && known?.stream === stream) return this.again(known);
    const at = this.revisionOf(stream, expected, current ?? -1);
    const isBegunAnew = present.length > 0 && this.stream(stream).length === 0;
    if ((current ?? -1) !== at || (expected === 'stream_exists' && current === undefined)) {
      const same = present.slice(at + 1, at + 1 + events.length);
      const last = same.at(-1);
      const repeated = same.length === events.length && same.every(({ id }, index) => id === events[index]?.id);
      return last !== undefined && repeated ? this.again(last) : { kind: 'wrong_version', current };
    }
    // The server itself takes the mark of a soft delete back: from here on the stream begins with what is appended.
    if (isBegunAnew) this.writeMetadata(stream, { $tb: present.length });
    const written = events.map((event, index) => this.write(stream, at + 1 + index, event));
    this.emit('grown');
    const last = written.at(-1);
    if (last === undefined) throw new RangeError('An append of nothing');
    return { kind: 'appended', last, repeated: false };
  }

  /** What others have written: so many events, in one stream that is nobody's here. */
  writeForeign(count: number, stream = 'foreign-1'): void {
    const first = this.whole(stream).length;
    for (let n = 0; n < count; n += 1) this.write(stream, first + n, { ...system('Foreign'), id: `foreign-${n}` });
    this.emit('grown');
  }

  /** For good: the stream can be neither read nor written again. Its mark stands in the log under the stream's own name. */
  tombstone(stream: string): void {
    this.write(stream, Number.MAX_SAFE_INTEGER, system('$streamDeleted'));
    this.emit('grown');
  }

  /** The stream reads as absent and can be begun again, which goes on with its revisions; `$all` keeps its events. */
  softDelete(stream: string): void {
    this.writeMetadata(stream, '{"$tb":9223372036854775807}');
    this.emit('grown');
  }

  /** As {@link softDelete}, without the record of it that a reader of `$all` would meet. */
  deleteSilently(stream: string): void {
    this.truncated.set(stream, this.whole(stream).length);
  }

  /** The stream reads from this revision on; 0 takes that back. `$all` keeps its events. */
  truncate(stream: string, before: number): void {
    this.writeMetadata(stream, { $tb: before });
    this.emit('grown');
  }

  /** The disk was written over: the event stays where it is, with another payload. */
  overwrite(stream: string, revision: number, change: Partial<Proposed>): void {
    const whole = this.whole(stream);
    const recorded = whole[revision];
    if (recorded === undefined) throw new RangeError('There is no such event');
    Object.assign(recorded, change);
  }

  /** What a server writes for itself. */
  writeSystemEvent(stream = '$stats-127.0.0.1:2113', type = '$statsCollected'): void {
    this.write(stream, this.whole(stream).length, system(type));
    this.emit('grown');
  }

  /** As after a restart: with ANY an append is no longer known again, at a concrete revision it is. */
  forgetRecent(): void {
    this.recent = new Map();
  }

  /** Frees the space of deleted streams: their events leave `$all`, the positions of all others stay. */
  scavenge(): void {
    const isGone = ({ stream, type, revision }: Recorded): boolean =>
      type !== '$streamDeleted' && (this.tombstones.has(stream) || revision < (this.truncated.get(stream) ?? 0));
    for (const { position } of this.records.filter(isGone)) this.scavenged.add(position);
    this.records.splice(0, Infinity, ...this.records.filter((record) => !isGone(record)));
    this.writeSystemEvent('$scavenges', '$scavengeCompleted');
  }

  /** The disk was exchanged for an empty one. */
  wipe(): void {
    this.records = [];
    this.streams = new Map();
    this.tombstones.clear();
    this.truncated.clear();
    this.unindexed.clear();
    this.scavenged.clear();
    this.forgetRecent();
    this.begin();
  }

  backUp(): LogBackup {
    return { records: [...this.records], truncated: new Map(this.truncated) };
  }

  /** The disk was exchanged for a copy. */
  restore({ records, truncated }: LogBackup): void {
    this.wipe();
    this.records = [];
    this.streams = new Map();
    for (const recorded of records) this.keep(recorded);
    for (const [stream, first] of truncated) this.truncated.set(stream, first);
  }

  /** The disk was exchanged for a copy from before these records. */
  restoreBackup(count: number): void {
    this.restore({ ...this.backUp(), records: this.records.slice(0, count) });
  }

  private begin(): void {
    this.writeSystemEvent('$epoch-information', '$epoch-information');
    this.writeSystemEvent('$users', '$User');
  }

  private again(last: Recorded): Outcome {
    return this.unindexed.has(last) ? { kind: 'not_indexed' } : { kind: 'appended', last, repeated: true };
  }

  private whole(name: string): readonly Recorded[] {
    return this.streams.get(name) ?? [];
  }

  /** After which revision the events are to stand; -1 is before the first. */
  private revisionOf(stream: string, expected: Expectation, current: number): number {
    if (typeof expected === 'number') return expected;
    return expected === 'no_stream' && this.stream(stream).length > 0 ? -1 : current;
  }

  private write(stream: string, revision: number, event: Proposed): Recorded {
    const position = this.end;
    const end = position + 64n + BigInt(event.data.length + event.metadata.length);
    const recorded = { ...event, stream, revision, position, end, created: Date.now() };
    this.keep(recorded);
    this.recent.set(event.id, recorded);
    return recorded;
  }

  private keep(recorded: Recorded): void {
    this.records.push(recorded);
    const present = this.streams.get(recorded.stream);
    if (present === undefined) this.streams.set(recorded.stream, [recorded]);
    else present.push(recorded);
    if (recorded.type === '$streamDeleted') this.tombstones.add(recorded.stream);
    if (recorded.stream.startsWith('$$')) this.applyMetadata(recorded.stream.slice(2), recorded.data);
  }

  private writeMetadata(stream: string, metadata: object | string): void {
    const text = typeof metadata === 'string' ? metadata : JSON.stringify(metadata);
    this.write(`$$${stream}`, this.whole(`$$${stream}`).length, system('$metadata', text));
  }

  private applyMetadata(stream: string, data: Uint8Array): void {
    const { $tb: before } = JSON.parse(Buffer.from(data).toString()) as { readonly $tb?: number };
    if (before === undefined || before === 0) this.truncated.delete(stream);
    else this.truncated.set(stream, Math.min(before, this.whole(stream).length));
  }
}

const system = (type: string, data = '{}'): Proposed => ({
  id: crypto.randomUUID(),
  type,
  contentType: 'application/json',
  data: Buffer.from(data),
  metadata: Buffer.from('{}'),
});
