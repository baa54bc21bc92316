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
  | { readonly kind: 'appended'; readonly last: Recorded }
  | { readonly kind: 'wrong_version'; readonly current: number | undefined }
  | { readonly kind: 'deleted' };

/** A copy of a server's disk. */
export interface LogBackup {
  readonly records: readonly Recorded[];
  readonly truncated: ReadonlyMap<string, number>;
}

/** What the server keeps: one log of records whose positions are byte offsets, as far as a client can tell. */
export class RecordedLog extends EventEmitter<{ grown: [] }> {
  records: Recorded[] = [];
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
    const index = this.records.findIndex((record) => record.position >= position);
    return this.records[index]?.position === position || this.scavenged.has(position) ? index : undefined;
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
    if (loose && known?.stream === stream) return { kind: 'appended', last: known };
    const at = this.revisionOf(stream, expected, current ?? -1);
    if ((current ?? -1) !== at || (expected === 'stream_exists' && current === undefined)) {
      const same = present.slice(at + 1, at + 1 + events.length);
      const last = same.at(-1);
      const repeated = same.length === events.length && same.every(({ id }, index) => id === events[index]?.id);
      return last !== undefined && repeated ? { kind: 'appended', last } : { kind: 'wrong_version', current };
    }
    const written = events.map((event, index) => this.write(stream, at + 1 + index, event));
    this.emit('grown');
    const last = written.at(-1);
    if (last === undefined) throw new RangeError('An append of nothing');
    return { kind: 'appended', last };
  }

  /** For good: the stream can be neither read nor written again. Its mark stands in the log under the stream's own name. */
  tombstone(stream: string): void {
    this.write(stream, Number.MAX_SAFE_INTEGER, system('$streamDeleted'));
    this.emit('grown');
  }

  /** The stream reads as absent and can be begun again, which goes on with its revisions; `$all` keeps its events. */
  softDelete(stream: string): void {
    this.truncated.set(stream, this.whole(stream).length);
    this.write(`$$${stream}`, this.whole(`$$${stream}`).length, system('$metadata', { $tb: Number.MAX_SAFE_INTEGER }));
    this.emit('grown');
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
  }
}

const system = (type: string, data: Readonly<Record<string, unknown>> = {}): Proposed => ({
  id: crypto.randomUUID(),
  type,
  contentType: 'application/json',
  data: Buffer.from(JSON.stringify(data)),
  metadata: Buffer.from('{}'),
});
