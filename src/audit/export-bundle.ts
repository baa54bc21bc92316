import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CustomerViews } from '../customers/read-model/customer-views.js';
import { customerStream } from '../customers/streams.js';
import { readMetadata } from '../event-sourcing/envelope.js';
import type { EventStore, Position, RecordedEvent } from '../event-sourcing/event-store.js';
import type { AuditTree, SignedCheckpoint } from './audit-tree.js';
import type { SignedNote } from './checkpoint-note.js';
import { LineFile, type WrittenFile } from './export-files.js';
import { TreeHashes } from './tree-hashes.js';
import { Findings } from './verify-findings.js';
import { readAudited } from './verify-log.js';
import { NOT_COVERED } from './verify-service.js';
import { base64 } from './merkle-hashing.js';
import { isProjected } from './verify-streams.js';

export interface ExportFilter {
  readonly customerId?: string;
  /** Milliseconds since the epoch, of the events' own time; `from` is included, `to` is not. */
  readonly from?: number;
  readonly to?: number;
}

export interface ExportParts {
  readonly store: Pick<EventStore, 'subscribe' | 'read' | 'comparePositions' | 'fraction'>;
  readonly tree: AuditTree;
  readonly views: Pick<CustomerViews, 'getMany' | 'ids'>;
  readonly filter: ExportFilter;
  /** How far the views are brought up, for sure, before they are read. */
  readonly projected: Position | undefined;
  /**
   * Given once the views are written: what they show then is in the tree.
   * @returns the checkpoint to export up to, and whether all that the views hold is under it
   */
  readonly checkpoint: () => Promise<{ readonly checkpoint: SignedCheckpoint; readonly withinLog: boolean }>;
  /** As C2SP signed-note writes them. */
  readonly keys: readonly string[];
  /** Checkpoints of before: the proof that this tree continues them is put in. */
  readonly held: readonly SignedNote[];
  /** Made when absent; must not hold an export. */
  readonly folder: string;
  /** The separate verifier, which is put in. */
  readonly verifier: string;
  readonly madeAt: number;
  readonly onProgress: (fraction: number, events: number) => void;
}

export interface Exported {
  readonly events: number;
  readonly checkpoint: SignedCheckpoint;
}

const PAGE = 500;

/**
 * Writes a bundle that can be checked offline: events as they are stored (sealed), the tree's leaves or each event's way to
 * the root, the views, a signed checkpoint. In memory there is never more than a page of each.
 * @throws StoreUnavailable, Error the folder can't be written or holds an export
 */
export async function exportBundle(parts: ExportParts): Promise<Exported> {
  const { folder, tree, filter, keys, held } = parts;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const isWhole = Object.values(filter).every((value) => value === undefined);
  const events = new LineFile(folder, 'events.jsonl');
  const views = await writeViews(parts);
  const { checkpoint, withinLog } = await parts.checkpoint();
  const proofs = isWhole ? await writeLeaves(parts, checkpoint.size) : await writeSelection(parts, checkpoint, events);
  let through: string | undefined;
  const writeAll = (batch: readonly RecordedEvent[]): Promise<void> => {
    through = batch.findLast((event) => isProjected(parts, event))?.id ?? through;
    return events.write(batch.map(stored));
  };
  if (isWhole) await eachEvent(parts, checkpoint.position, writeAll);
  const written = await events.close();
  const hashes = new TreeHashes(tree);
  const older = held.filter(({ size }) => size > 0 && size <= checkpoint.size);
  const manifest = {
    format: 'customers-audit-export/1',
    madeAt: new Date(parts.madeAt).toISOString(),
    kind: isWhole ? 'whole' : 'selection',
    ...(!isWhole && { filter: toJson(filter) }),
    ...(filter.from === undefined &&
      filter.customerId !== undefined && { wholeStream: customerStream(filter.customerId) }),
    origin: checkpoint.origin,
    keys,
    checkpoint: { file: 'checkpoint.txt', size: checkpoint.size },
    events: written,
    [isWhole ? 'leaves' : 'proofs']: proofs,
    ...(views !== undefined && { views: { ...views, withinLog, through } }),
    consistency: await Promise.all(
      older.map(async ({ size }) => ({ size, path: (await hashes.consistency(size, checkpoint.size)).map(base64) })),
    ),
    personalValues: 'sealed as they are stored; the export holds no key',
    notCovered: NOT_COVERED,
  };
  writeFileSync(join(folder, 'checkpoint.txt'), checkpoint.note, { flag: 'wx', mode: 0o600 });
  copyFileSync(parts.verifier, join(folder, 'verify-export.mjs'));
  // Last: a folder without a manifest is an export that did not come to its end.
  writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`, { flag: 'wx', mode: 0o600 });
  return { events: written.count, checkpoint };
}

const iso = (at: number): string => new Date(at).toISOString();

const toJson = ({ customerId, from, to }: ExportFilter) => ({
  ...(customerId !== undefined && { customerId }),
  ...(from !== undefined && { from: iso(from) }),
  ...(to !== undefined && { to: iso(to) }),
});

const stored = ({ id, type, stream, revision, data, metadata, position, recordedAt }: RecordedEvent) => ({
  ...{ id, type, stream, revision, data, metadata },
  ...{ position, recordedAt },
});

async function eachEvent(
  { store, onProgress }: ExportParts,
  upTo: Position,
  work: (events: readonly RecordedEvent[]) => Promise<void>,
): Promise<void> {
  let count = 0;
  for await (const batch of readAudited(store, upTo, new Findings())) {
    await work(batch);
    count += batch.length;
    const last = batch.at(-1);
    if (last !== undefined) onProgress(store.fraction(last.position, upTo), count);
  }
}

/** The keyed hash of the address stays behind: it is nobody's business outside. None for a selection by time. */
async function writeViews({ views, filter, folder }: ExportParts): Promise<WrittenFile | undefined> {
  if (filter.from !== undefined || filter.to !== undefined) return undefined;
  const file = new LineFile(folder, 'views.jsonl');
  for (let after: string | undefined; ;) {
    const ids = filter.customerId === undefined ? await views.ids(after, PAGE) : [filter.customerId];
    const found = await views.getMany(ids);
    await file.write(
      ids.flatMap((id) => {
        const { emailIndex: _, ...view } = found.get(id) ?? {};
        return found.has(id) ? [view] : [];
      }),
    );
    after = ids.at(-1);
    if (ids.length < PAGE) return file.close();
  }
}

async function writeLeaves({ tree, folder }: ExportParts, size: number): Promise<WrittenFile> {
  const file = new LineFile(folder, 'leaves.jsonl');
  for (let from = 0; from < size;) {
    const page = await tree.leaves(from, Math.min(PAGE, size - from));
    if (page.length === 0) break;
    await file.write(
      page.map(({ entry, eventId: id, stream, revision }) => ({
        hash: Buffer.from(entry).toString('hex'),
        ...{ id, stream, revision },
      })),
    );
    from += page.length;
  }
  return file.close();
}

async function writeSelection(
  parts: ExportParts,
  checkpoint: SignedCheckpoint,
  events: LineFile,
): Promise<WrittenFile> {
  const { store, tree, filter, folder } = parts;
  const { customerId, from = -Infinity, to = Infinity } = filter;
  const hashes = new TreeHashes(tree);
  const proofs = new LineFile(folder, 'proofs.jsonl');
  const take = async (batch: readonly RecordedEvent[]): Promise<void> => {
    for (const event of batch) {
      const { at } = readMetadata(event);
      if (at < from || at >= to) continue;
      if (store.comparePositions(event.position, checkpoint.position) > 0) continue;
      const leaf = await tree.leafOf(event.id);
      const path = leaf && (await hashes.inclusion(leaf.index, checkpoint.size)).map(base64);
      await events.write([stored(event)]);
      await proofs.write([leaf === undefined ? {} : { index: leaf.index, path }]);
    }
  };
  if (customerId === undefined) await eachEvent(parts, checkpoint.position, take);
  else await eachOfStream(store, customerStream(customerId), take);
  return proofs.close();
}

async function eachOfStream(
  store: Pick<EventStore, 'read'>,
  stream: string,
  work: (events: readonly RecordedEvent[]) => Promise<void>,
): Promise<void> {
  for (let from = 0; ; from += PAGE) {
    const page = await store.read(stream, { from, limit: PAGE });
    await work(page);
    if (page.length < PAGE) return;
  }
}
