import { isDeepStrictEqual } from 'node:util';
import { decode } from '../../src/customers/customer-events.js';
import type { CustomerView } from '../../src/customers/read-model/customer-view.js';
import { project } from '../../src/customers/read-model/project.js';
import { evolveSource, type SourceState } from '../../src/customers/sources/source.js';
import { decodeSource, SOURCE_PREFIX, sourceIdOf } from '../../src/customers/sources/source-events.js';
import { customerIdOf } from '../../src/customers/streams.js';
import { hashEvent, readMetadata } from '../../src/event-sourcing/envelope.js';
import type { EventStore, Position, RecordedEvent } from '../../src/event-sourcing/event-store.js';
import type { KeyRef, SubjectKeys } from '../../src/privacy/subject-keys.js';
import type { Attempt } from './crash-ledger.js';

/** A store on a server answers within its time, or not at all. */
export const SOME = 200;

interface Ending {
  readonly ref: KeyRef;
  readonly recordedAt: number;
}

/** Reads the log as an auditor would, from its start on, and says what must follow from it. */
export class LogAudit {
  readonly faults: string[] = [];
  /** By customer; without the keyed hash of the address. */
  readonly views = new Map<string, CustomerView>();
  readonly sources = new Map<string, SourceState>();
  readonly endings: Ending[] = [];
  /** Milliseconds since the epoch at which each view's newest event was written. */
  readonly writtenAt = new Map<string, number>();
  events = 0;
  private position: Position | undefined;
  private readonly heads = new Map<string, { readonly revision: number; readonly hash: string }>();
  /** Streams of customers in which a request left events, one entry for each run of them. */
  private readonly marks = new Map<string, string[]>();
  private readonly lastRequest = new Map<string, string>();
  private readonly lastTypes = new Map<string, Set<string>>();
  private readonly commands = new Map<string, string>();
  private readonly attachments = new Map<string, number>();

  /** Takes in what the log has gained. */
  async readOn(store: EventStore): Promise<void> {
    const end = new AbortController();
    for await (const message of store.subscribe({ after: this.position, prefixes: [''], signal: end.signal })) {
      if (message.kind === 'caught_up') end.abort();
      if (message.kind === 'event') this.take(message.event);
    }
  }

  /** In how many appends to a customer's stream the requests of an attempt had an effect. */
  effectsOf({ requestIds }: Pick<Attempt, 'requestIds'>): readonly string[] {
    return requestIds.flatMap((id) => this.marks.get(id) ?? []);
  }

  /** How often the source was attached to the customer, over all its lives. */
  attachmentsOf(customerId: string, sourceId: string): number {
    return this.attachments.get(`${customerId} ${sourceId}`) ?? 0;
  }

  /** What is wrong with who owns what. */
  ownershipFaults(): string[] {
    const owners = new Map<string, string>();
    const found: string[] = [];
    for (const view of this.views.values()) {
      for (const { id } of view.sources) {
        const other = owners.get(id);
        if (other !== undefined) found.push(`source ${id} is owned by ${other} and by ${view.id}`);
        owners.set(id, view.id);
        const state = this.sources.get(id);
        const claimed =
          state?.status === 'claimed' && state.owner.customerId === view.id && state.owner.life === view.life;
        if (!claimed) found.push(`source ${id} is attached to ${view.id}, but is ${JSON.stringify(state)}`);
      }
    }
    return found;
  }

  private take(event: RecordedEvent): void {
    this.events += 1;
    this.position = event.position;
    this.checkChain(event);
    if (event.stream.startsWith(SOURCE_PREFIX)) this.takeOfSource(event);
    else this.takeOfCustomer(event);
  }

  private takeOfCustomer(event: RecordedEvent): void {
    this.checkCommand(event);
    const customerId = customerIdOf(event.stream);
    const { at } = readMetadata(event);
    const decoded = decode(event);
    const facts = { customerId, revision: event.revision, at };
    this.views.set(customerId, project(this.views.get(customerId), decoded, facts));
    this.writtenAt.set(customerId, event.recordedAt);
    if (decoded.type === 'CustomerErased' || decoded.type === 'CustomerDeleted') {
      const ref = { subject: customerId, revision: decoded.data.keyRevision };
      this.endings.push({ ref, recordedAt: event.recordedAt });
    }
    if (decoded.type === 'SourceAttached') {
      const name = `${customerId} ${decoded.data.sourceId}`;
      this.attachments.set(name, (this.attachments.get(name) ?? 0) + 1);
    }
  }

  private takeOfSource(event: RecordedEvent): void {
    const id = sourceIdOf(event.stream);
    this.sources.set(id, evolveSource(this.sources.get(id) ?? { status: 'free' }, decodeSource(event)));
  }

  private checkChain(event: RecordedEvent): void {
    const head = this.heads.get(event.stream);
    const { hash, prevHash } = readMetadata(event);
    const where = `${event.stream}@${event.revision}`;
    if (event.revision !== (head?.revision ?? -1) + 1) this.faults.push(`${where} follows ${head?.revision}`);
    if (prevHash !== (head?.hash ?? null)) this.faults.push(`${where} does not name the hash before it`);
    if (hash !== hashEvent(event)) this.faults.push(`${where} has a hash that is not its own`);
    this.heads.set(event.stream, { revision: event.revision, hash });
  }

  /** All events of one command stand together in one append, made by one request. */
  private checkCommand({ stream, revision, type, ...event }: RecordedEvent): void {
    const { commandId, requestId } = readMetadata(event);
    const command = `${stream} ${commandId}`;
    const begins = this.lastRequest.get(stream) !== requestId;
    if (begins && this.commands.has(command)) this.faults.push(`${stream}@${revision} does a command a second time`);
    if (!begins && this.commands.get(command) !== requestId)
      this.faults.push(`${stream}@${revision} mixes two commands`);
    if (begins) {
      this.marks.set(requestId, [...(this.marks.get(requestId) ?? []), stream]);
      this.lastTypes.set(stream, new Set());
    }
    // No command of these tests has two events of one type: a second one is the same append written again.
    const types = this.lastTypes.get(stream);
    if (types?.has(type)) this.faults.push(`${stream}@${revision} does a command again at once`);
    types?.add(type);
    this.commands.set(command, requestId);
    this.lastRequest.set(stream, requestId);
  }
}

/** Says how a stored view differs from the fold of the log. The keyed hash is checked to be there, not for its value. */
export function viewFault(stored: CustomerView | undefined, folded: CustomerView): string | undefined {
  if (stored === undefined) return `the view of ${folded.id} is missing`;
  const { emailIndex, ...rest } = stored;
  if ((emailIndex === undefined) !== (folded.email === undefined)) return `the view of ${folded.id} is wrongly indexed`;
  if (isDeepStrictEqual(rest, JSON.parse(JSON.stringify(folded)))) return undefined;
  return `the view of ${folded.id} is\n    ${JSON.stringify(rest)}\n    but the log says\n    ${JSON.stringify(folded)}`;
}

/** Which keys still stand although their life has ended. */
export async function standingKeys(keys: SubjectKeys, endings: readonly Ending[]): Promise<string[]> {
  const standing: string[] = [];
  for (let at = 0; at < endings.length; at += SOME) {
    const some = endings.slice(at, at + SOME);
    const states = await keys.findMany(some.map(({ ref }) => ref));
    for (const [index, { ref }] of some.entries()) {
      const status = states[index]?.status;
      if (status !== 'erased') standing.push(`the key of ${ref.subject}, life ${ref.revision}, is ${status}`);
    }
  }
  return standing;
}
