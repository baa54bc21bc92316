import type { CustomerViews } from '../customers/read-model/customer-views.js';
import type { EventStore, Position, RecordedEvent } from '../event-sourcing/event-store.js';
import type { AuditTree } from './audit-tree.js';
import type { VerifierKey } from './checkpoint-note.js';
import { originOf } from './checkpoint-signer.js';
import { Alignment, named } from './verify-alignment.js';
import { CheckpointCheck, type HeldCheckpoint, readKept } from './verify-checkpoints.js';
import { type Finding, Findings, type Verdict } from './verify-findings.js';
import { LeafWalk } from './verify-leaves.js';
import { readAudited } from './verify-log.js';
import { type EmailIndexes, StreamCheck } from './verify-streams.js';

export interface VerificationParts {
  readonly store: Pick<EventStore, 'subscribe' | 'read' | 'head' | 'comparePositions' | 'fraction'>;
  readonly tree: AuditTree;
  readonly views: Pick<CustomerViews, 'getMany' | 'ids'>;
  /** How far the views are brought up, for sure. */
  readonly projected: Position | undefined;
  readonly keysOf: (origin: string) => readonly VerifierKey[];
  readonly emailIndexes?: EmailIndexes;
  /** Checkpoints that were held outside. */
  readonly outside: readonly HeldCheckpoint[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly onProgress: (fraction: number, events: number) => void;
}

export interface Verification {
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
  /** Findings that were counted and not told. */
  readonly untold: number;
  readonly events: number;
  readonly leaves: number;
  readonly streams: number;
  readonly views: number;
  readonly checkpoints: number;
  /** Events behind the last checkpoint: the chains alone vouch for them. */
  readonly uncovered: number;
}

/** What the hash leaves out, and no check here can speak for. */
export const NOT_COVERED = [
  'recordedAt: when the store wrote the event, by its own clock (`at`, our clock, is covered)',
  'position: the number of the place in the log (the order of the events is covered by the tree)',
];

/** So long an event may wait for the tree, and the tree for its signature. */
const PATIENCE_MS = 5 * 60_000;
const PAGE = 500;

/**
 * Checks all there is, once through, beside a running service: every event against its hash and the tree, the tree against
 * what was signed, every stream's chain, every view against its replay. Memory does not grow with the log, except for the
 * checkpoints, one a minute.
 * @throws StoreUnavailable it could not be run to its end
 */
export async function verify(parts: VerificationParts): Promise<Verification> {
  const { store, tree } = parts;
  const findings = new Findings();
  // In this order: what is signed is in the tree, and what is in the tree is in the log.
  const kept = await readAllKept(parts, findings);
  const size = await tree.size();
  const head = await store.head();
  const check = new CheckpointCheck(findings, [...kept, ...parts.outside], originOf(await tree.id()), size);
  const differences = new Findings();
  const walk = new LeafWalk(tree, size, findings, check.treePassed);
  const alignment = new Alignment(walk, differences, check.logPassed);
  const counted = head === undefined ? NOTHING : await walkLog({ ...parts, head, findings, alignment });
  const beyond = await alignment.end();
  check.tell();
  blame(differences, findings, check.logIsSound);
  const signed = Math.max(0, ...kept.slice(-1).map((checkpoint) => checkpoint.size));
  await tellGaps(parts, findings, { size, signed, beyond });
  const { verdict, told, untold } = findings;
  const uncovered = beyond.length + Math.max(0, size - signed);
  return { verdict, findings: told, untold, leaves: size, checkpoints: kept.length, ...counted, uncovered };
}

const NOTHING = { events: 0, streams: 0, views: 0 };

async function readAllKept(
  { tree, keysOf }: VerificationParts,
  findings: Findings,
): Promise<readonly HeldCheckpoint[]> {
  const kept: HeldCheckpoint[] = [];
  const keys = new Map<string, readonly VerifierKey[]>();
  const keysOnce = (origin: string): readonly VerifierKey[] => {
    const known = keys.get(origin) ?? keysOf(origin);
    keys.set(origin, known);
    return known;
  };
  for (let after = 0; ;) {
    const page = await tree.checkpointsAfter(after, PAGE);
    kept.push(...readKept(page, keysOnce, findings));
    after = page.at(-1)?.size ?? after;
    if (page.length < PAGE) return kept;
  }
}

type Walk = VerificationParts & {
  readonly head: Position;
  readonly findings: Findings;
  readonly alignment: Alignment;
};

async function walkLog(parts: Walk): Promise<typeof NOTHING> {
  const { store, head, findings, alignment, onProgress } = parts;
  const streams = new StreamCheck(parts);
  let events = 0;
  for await (const batch of readAudited(store, head, findings)) {
    events += batch.length;
    await alignment.add(batch);
    await streams.check(batch.filter(({ revision }) => revision === 0).map(({ stream }) => stream));
    const last = batch.at(-1);
    if (last !== undefined) onProgress(store.fraction(last.position, head), events);
  }
  // Each stream was read where it begins: what was not read that way has no beginning.
  if (streams.events !== events) await tellHeadless(parts);
  await streams.checkStrangers();
  return { events, streams: streams.streams, views: streams.views };
}

async function tellHeadless({ store, head, findings }: Walk): Promise<void> {
  const begun = new Set<string>();
  for await (const batch of readAudited(store, head, new Findings())) {
    for (const { stream, revision, id } of batch) {
      if (begun.has(stream)) continue;
      begun.add(stream);
      if (revision === 0) continue;
      findings.add('chain', 'The stream does not begin with event 0: its beginning is missing', {
        stream,
        revision,
        eventId: id,
      });
    }
  }
}

/** Where the log is what was signed, it is the stored tree that was altered. */
function blame(differences: Findings, findings: Findings, logIsSound: boolean): void {
  for (const { kind, message, event } of differences.told) {
    if (logIsSound)
      findings.add('tree', 'The leaf in the stored tree is not that of the event, which is as signed', event);
    else findings.add(kind, message, event);
  }
  for (let n = 0; n < differences.untold; n += 1) findings.add('changed', 'More events are not as they were');
}

interface Reach {
  readonly size: number;
  /** Leaves under the last checkpoint. */
  readonly signed: number;
  /** Events that are not in the tree. */
  readonly beyond: readonly RecordedEvent[];
}

async function tellGaps(
  { store, tree, now }: VerificationParts,
  findings: Findings,
  { size, signed, beyond }: Reach,
): Promise<void> {
  const isLate = ({ recordedAt }: RecordedEvent): boolean => now - recordedAt > PATIENCE_MS;
  const late = beyond.find(isLate);
  if (late !== undefined) {
    const { stream, revision, id } = late;
    const message = 'Events from this one on are not in the tree, though they should be by now';
    findings.add('gap', message, { stream, revision, eventId: id });
  }
  const [leaf] = size > signed ? await tree.leaves(signed, 1) : [];
  if (leaf === undefined) return;
  const [event] = await store.read(leaf.stream, { from: leaf.revision, limit: 1 }).catch(() => []);
  if (event === undefined || !isLate(event)) return;
  findings.add('gap', 'Events from this one on are under no checkpoint, though they should be by now', named(leaf));
}
