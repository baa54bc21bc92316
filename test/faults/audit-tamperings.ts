import { seed } from '../support/seed.js';
import { randomUUID } from 'node:crypto';
import { hashEvent } from '../../src/event-sourcing/envelope.js';
import type { Json, JsonObject, Position, RecordedEvent } from '../../src/event-sourcing/event-store.js';
import { foldCustomer } from '../../src/customers/customer-history.js';
import type { CustomerView } from '../../src/customers/read-model/customer-view.js';
import { isoTime } from '../../src/customers/read-model/project.js';
import { CheckpointSigner } from '../../src/audit/checkpoint-signer.js';
import { CopiedTree } from '../support/copied-audit.js';
import type { AuditedWorld } from '../support/audited-world.js';

/** From 0 up to but not including `n`. */
export type Chance = (n: number) => number;

/** Numbers that follow from a seed (mulberry32). */
export function chanceFrom(first: number): Chance {
  let state = first >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  };
}

export interface Tampered {
  readonly how: string;
  readonly events: readonly RecordedEvent[];
  readonly views: readonly CustomerView[];
  readonly tree: CopiedTree;
  /** Ids of events of which the store holds a text that is no JSON any more. */
  readonly unreadable?: ReadonlySet<string>;
  /** Ids of events, or names of streams, of which one must be named. */
  readonly named: readonly string[];
  /** Only a range can be told: whoever rewrote everything left nothing that names the event itself. */
  readonly isRange?: boolean;
}

const pick = <T>(of: readonly T[], chance: Chance): T => of[chance(of.length)]!;

/** Exchanges one character of one string or digit of one number, somewhere within. */
function flipped(value: unknown, chance: Chance): unknown {
  if (typeof value === 'string') {
    if (value === '') return 'x';
    const at = chance(value.length);
    const code = value.charCodeAt(at) ^ (1 << chance(4));
    return value.slice(0, at) + String.fromCharCode(code) + value.slice(at + 1);
  }
  if (typeof value === 'number') return value + 1 + chance(9);
  if (typeof value === 'boolean') return !value;
  if (value === null) return 0;
  if (Array.isArray(value)) {
    if (value.length === 0) return [1];
    return value.with(chance(value.length), flipped(value[chance(value.length)], chance));
  }
  const entries = Object.entries(value as object);
  if (entries.length === 0) return { put: 'in' };
  const [key, inner] = pick(entries, chance);
  return { ...(value as object), [key]: flipped(inner, chance) };
}

/** Events at the places that the log gave, in the order given. */
const placed = (events: readonly RecordedEvent[], world: AuditedWorld): RecordedEvent[] =>
  events.map((event, at) => ({
    ...event,
    position:
      world.log.events[at]?.position ?? (String(Number(world.log.events.at(-1)?.position) + 1 + at) as Position),
  }));

const rehashed = (event: RecordedEvent, prevHash: Json): RecordedEvent => {
  const metadata: JsonObject = { ...event.metadata, prevHash };
  return { ...event, metadata: { ...metadata, hash: hashEvent({ ...event, metadata }) } };
};

/** All events of the stream from `from` on with hashes that fit again. */
function rechained(events: readonly RecordedEvent[], stream: string, from: number): RecordedEvent[] {
  let prevHash: Json = null;
  return events.map((event) => {
    if (event.stream !== stream) return event;
    const next = event.revision < from ? event : rehashed(event, prevHash);
    prevHash = next.metadata['hash'] ?? null;
    return next;
  });
}

function parsed(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return value as JsonObject;
  } catch {
    return undefined;
  }
}

type Tampering = (world: AuditedWorld, chance: Chance) => Omit<Tampered, 'how'>;

const inLog = (
  change: (
    events: RecordedEvent[],
    chance: Chance,
    world: AuditedWorld,
  ) => readonly [RecordedEvent[], readonly string[]],
): Tampering => {
  return (world, chance) => {
    const [events, named] = change([...world.log.events], chance, world);
    return { events, named, views: world.views, tree: world.tree() };
  };
};

const FIELDS = ['data', 'metadata', 'type', 'id', 'stream', 'revision'] as const;

export const TAMPERINGS: Readonly<Record<string, Tampering>> = {
  'a flip in what is hashed': inLog((events, chance) => {
    const at = chance(events.length);
    const event = events[at]!;
    const field = pick(FIELDS, chance);
    events[at] = { ...event, [field]: flipped(event[field], chance) };
    return [events, [event.id]];
  }),
  'a flipped bit in the text of a row': (world, chance) => {
    const at = chance(world.log.events.length);
    const event = world.log.events[at]!;
    const field = pick(['data', 'metadata'] as const, chance);
    const bytes = Buffer.from(JSON.stringify(event[field]));
    bytes[chance(bytes.length)]! ^= 1 << chance(7);
    const value = parsed(bytes.toString());
    const rest = { views: world.views, tree: world.tree(), named: [event.id] };
    if (value === undefined) return { events: world.log.events, unreadable: new Set([event.id]), ...rest };
    return { events: world.log.events.with(at, { ...event, [field]: value }), ...rest };
  },
  'a changed value with a hash that fits': inLog((events, chance) => {
    const at = chance(events.length);
    const event = events[at]!;
    events[at] = rehashed({ ...event, data: { ...event.data, put: 'in' } }, event.metadata['prevHash'] ?? null);
    return [events, [event.id]];
  }),
  'a deletion': inLog((events, chance) => {
    const [gone] = events.splice(chance(events.length), 1);
    return [events, [gone!.id]];
  }),
  'an insertion': inLog((events, chance, world) => {
    // Behind the last event it would be a plain append.
    const at = chance(events.length);
    const stream = pick(events, chance).stream;
    const before = events.filter((event) => event.stream === stream).at(-1)!;
    const id = randomUUID();
    const event = rehashed({ ...before, id, revision: before.revision + 1 }, before.metadata['hash'] ?? null);
    events.splice(at, 0, event);
    return [placed(events, world), [id]];
  }),
  'an event told twice': inLog((events, chance, world) => {
    const event = pick(events, chance);
    events.splice(chance(events.length), 0, event);
    return [placed(events, world), [event.id]];
  }),
  'a swap of two events': inLog((events, chance, world) => {
    const a = chance(events.length - 1);
    const b = a + 1 + chance(events.length - 1 - a);
    const [left, right] = [events[a]!, events[b]!];
    [events[a], events[b]] = [right, left];
    const between = events.slice(a, b + 1).map(({ id }) => id);
    return [placed(events, world), between];
  }),
  'a truncation': inLog((events, chance) => {
    const left = events.slice(0, chance(events.length));
    return [left, [events[left.length]!.id]];
  }),
  'a truncation at the front': inLog((events, chance) => {
    const gone = 1 + chance(events.length - 1);
    return [events.slice(gone), events.slice(0, gone).map(({ id }) => id)];
  }),
  'a whole chain rewritten': inLog((events, chance) => {
    const victim = pick(events, chance);
    const changed = events.map((event) =>
      event === victim ? { ...event, data: { ...event.data, put: 'in' } } : event,
    );
    return [rechained(changed, victim.stream, victim.revision), [victim.id]];
  }),
  'the whole log rewritten, and the tree left': inLog((events, chance) => {
    const changed = events.map((event) => ({ ...event, metadata: { ...event.metadata, at: 1 + chance(1e9) } }));
    const streams = [...new Set(events.map(({ stream }) => stream))];
    const all = streams.reduce<RecordedEvent[]>((so, stream) => rechained(so, stream, 0), changed);
    return [all, [events[0]!.id]];
  }),
  'the log rewritten, the tree made anew and signed again': (world, chance) => {
    const events = [...world.log.events];
    const at = chance(events.length);
    const victim = events[at]!;
    events[at] = { ...victim, data: { ...victim.data, put: 'in' } };
    const all = rechained(events, victim.stream, victim.revision);
    return {
      events: all,
      views: world.views,
      tree: CopiedTree.over(all, world.treeId, []),
      named: [victim.id],
      isRange: true,
    };
  },
  'a leaf of the stored tree exchanged': (world, chance) => {
    const tree = world.tree();
    const at = chance(tree.kept.length);
    const leaf = tree.kept[at]!;
    const entry = Uint8Array.from(leaf.entry);
    entry[chance(32)]! ^= 1 << chance(8);
    tree.kept[at] = { ...leaf, entry };
    return { events: world.log.events, views: world.views, tree, named: [leaf.eventId] };
  },
  'a view set back': (world, chance) => {
    const at = chance(world.views.length);
    const { id, version } = world.views[at]!;
    const stream = `customer-${id}`;
    const events = world.log.events.filter((event) => event.stream === stream);
    const { view } = foldCustomer(events.slice(0, 1 + chance(version)));
    return { events: world.log.events, views: world.views.with(at, view!), tree: world.tree(), named: [stream] };
  },
  'a changed view': (world, chance) => {
    const at = chance(world.views.length);
    const view = world.views[at]!;
    const { id: _, ...rest } = view;
    const changed = pick(
      [
        { ...view, enabled: !view.enabled },
        { ...view, status: view.status === 'active' ? ('erased' as const) : ('active' as const) },
        { ...view, locale: 'xx_XX' },
        { ...view, updatedTime: isoTime(chance(1e12)) },
        { ...view, version: view.version + 1 },
        { ...view, sources: [...view.sources, { id: 's', state: 'chargeable', reusable: true, createdTime: 'x' }] },
        undefined,
        { id: `x${view.id}`, ...rest },
      ],
      chance,
    );
    const views = changed === undefined ? world.views.toSpliced(at, 1) : world.views.with(at, changed);
    const streams = [`customer-${view.id}`, `customer-x${view.id}`];
    return { events: world.log.events, views, tree: world.tree(), named: streams };
  },
};

/** Signed with the service's own key: whoever has stolen that too. */
async function signAnew(world: AuditedWorld, tree: CopiedTree, now: () => number): Promise<void> {
  await new CheckpointSigner(tree, world.ring, { now }).sign();
}

/** So many of all ways, in turn; the same ones for the same seed. */
export async function* tamperings(world: AuditedWorld, count: number): AsyncGenerator<Tampered & { how: string }> {
  const chance = chanceFrom(seed());
  const ways = Object.entries(TAMPERINGS);
  for (let n = 0; n < count; n += 1) {
    const [how, tamper] = ways[n % ways.length]!;
    const tampered = { how, ...tamper(world, chance) };
    if (tampered.isRange === true) await signAnew(world, tampered.tree, () => n);
    yield tampered;
  }
}
