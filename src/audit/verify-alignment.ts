import { hashEvent } from '../event-sourcing/envelope.js';
import type { RecordedEvent } from '../event-sourcing/event-store.js';
import type { AuditLeaf } from './audit-tree.js';
import { MerkleFrontier } from './merkle-frontier.js';
import { leafHash, SHA256 } from './merkle-hashing.js';
import type { FindingKind, Findings, NamedEvent } from './verify-findings.js';
import type { LeafWalk } from './verify-leaves.js';

/** How far ahead a place is looked for at which log and tree agree again. */
const WINDOW = 1_024;
/** Of events without their counterpart so many are remembered, to tell a moved one from a missing one. */
const REMEMBERED = 10_000;

interface Place {
  readonly stream: string;
  readonly revision: number;
}
const placeOf = ({ stream, revision }: Place): string => `${stream}@${String(revision)}`;

export const named = (leaf: AuditLeaf): NamedEvent => ({
  stream: leaf.stream,
  revision: leaf.revision,
  eventId: leaf.eventId,
  leafIndex: leaf.index,
});

/** Lays the events of the log beside the leaves of the tree, in order, and names each that is not as it was. */
export class Alignment {
  private events: RecordedEvent[] = [];
  private readonly missing = new Map<string, AuditLeaf>();
  private readonly extra = new Map<string, RecordedEvent>();
  /** Of the log as it is. */
  private readonly log = new MerkleFrontier(SHA256);

  constructor(
    private readonly walk: LeafWalk,
    private readonly findings: Findings,
    /** Told of the root of the log as it is, at each size. */
    private readonly passed: (size: number, root: () => Uint8Array) => void,
  ) {}

  async add(events: readonly RecordedEvent[]): Promise<void> {
    this.events.push(...events);
    await this.step(false);
  }

  /** What the log holds beyond the tree is given back: it is not covered yet. */
  async end(): Promise<readonly RecordedEvent[]> {
    await this.step(true);
    const left = await this.walk.peek(WINDOW);
    if (left.length === 0) return this.settle(this.events);
    // All that is left of one side has nothing on the other.
    for (const event of this.events) this.isExtra(event);
    for (let rest = left; rest.length > 0; rest = await this.walk.peek(WINDOW)) {
      for (const leaf of rest) this.isMissing(leaf);
      this.walk.drop(rest.length);
    }
    return this.settle([]);
  }

  private async step(isEnd: boolean): Promise<void> {
    for (;;) {
      const leaves = await this.walk.peek(1);
      let both = 0;
      for (; both < leaves.length && both < this.events.length; both += 1) {
        const [leaf, event] = [leaves[both], this.events[both]];
        if (leaf === undefined || event?.id !== leaf.eventId) break;
        this.compare(leaf, event);
      }
      this.events = this.events.slice(both);
      this.walk.drop(both);
      if (this.events.length === 0) return;
      const ahead = await this.walk.peek(1);
      if (ahead.length === 0) return;
      if (this.events[0]?.id === ahead[0]?.eventId) continue;
      if (!isEnd && this.events.length < WINDOW) return;
      if (!(await this.resume(isEnd))) return;
    }
  }

  /** Skips to the nearest place at which both have the same event. @returns false when nothing was skipped */
  private async resume(isEnd: boolean): Promise<boolean> {
    const leaves = (await this.walk.peek(WINDOW)).slice(0, WINDOW);
    const places = new Map(leaves.map(({ eventId }, at) => [eventId, at]));
    let best: readonly [events: number, leaves: number] | undefined;
    for (const [at, { id }] of this.events.slice(0, WINDOW).entries()) {
      const place = places.get(id);
      if (place !== undefined && (best === undefined || at + place < best[0] + best[1])) best = [at, place];
    }
    if (best === undefined && isEnd) return false;
    const [events, dropped] = best ?? [Math.min(WINDOW, this.events.length), leaves.length];
    for (const event of this.events.slice(0, events)) this.isExtra(event);
    for (const leaf of leaves.slice(0, dropped)) this.isMissing(leaf);
    this.events = this.events.slice(events);
    this.walk.drop(dropped);
    return true;
  }

  private compare(leaf: AuditLeaf, event: RecordedEvent): void {
    const [made, told] = [this.follow(event), event.metadata['hash']];
    const entry = Buffer.from(leaf.entry).toString('hex');
    if (made === entry && told === entry) return;
    const what = made === entry ? 'The hash that stands in the event is not its own' : 'The event is not as it was';
    this.findings.add('changed', `${what}: the tree holds another hash`, named(leaf));
  }

  private isExtra(event: RecordedEvent): void {
    this.follow(event);
    if (this.missing.delete(event.id)) this.moved(event);
    else if (this.extra.size < REMEMBERED) this.extra.set(event.id, event);
    else this.tell('inserted', event, event.id);
  }

  private isMissing(leaf: AuditLeaf): void {
    if (this.extra.delete(leaf.eventId)) this.moved({ ...leaf, id: leaf.eventId });
    else if (this.missing.size < REMEMBERED) this.missing.set(leaf.eventId, leaf);
    else this.tell('missing', leaf, leaf.eventId);
  }

  private moved({ stream, revision, id }: Place & { readonly id: string }): void {
    const message = 'The event stands at another place in the log than it did';
    this.findings.add('moved', message, { stream, revision, eventId: id });
  }

  private settle(rest: readonly RecordedEvent[]): readonly RecordedEvent[] {
    const byPlace = new Map([...this.extra.values()].map((event) => [placeOf(event), event]));
    for (const leaf of this.missing.values()) {
      const event = byPlace.get(placeOf(leaf));
      if (event === undefined) this.tell('missing', leaf, leaf.eventId);
      else {
        this.extra.delete(event.id);
        this.findings.add('replaced', 'Another event stands where this one stood', named(leaf));
      }
    }
    for (const event of this.extra.values()) this.tell('inserted', event, event.id);
    return rest;
  }

  private tell(kind: Extract<FindingKind, 'missing' | 'inserted'>, { stream, revision }: Place, eventId: string): void {
    const message =
      kind === 'missing'
        ? 'The event is in the tree and not in the log: it was removed'
        : 'The event is in the log and not in the tree: it was put in later';
    this.findings.add(kind, message, { stream, revision, eventId });
  }

  /** An event that is not what its own hash says makes a leaf that no tree ever had. */
  private follow(event: RecordedEvent): string {
    const [made, told] = [hashEvent(event), event.metadata['hash']];
    this.log.add(leafHash(Buffer.from(made === told ? made : `${made}00`, 'hex')));
    this.passed(this.log.size, () => this.log.root());
    return made;
  }
}
