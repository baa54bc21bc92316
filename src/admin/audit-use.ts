import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import type { Stores } from '../adapters.js';
import type { AuditAccess } from '../audit/audit-events.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { NotACheckpoint, readNote, type SignedNote } from '../audit/checkpoint-note.js';
import { projectionCheckpoint } from '../customers/read-model/customer-projection.js';
import { SystemClock } from '../event-sourcing/clock.js';
import type { Actor } from '../event-sourcing/command-context.js';
import type { EventStore, Position } from '../event-sourcing/event-store.js';

/** Whoever has the command line has the data folder: the account of the machine is all that is known of them. */
export const OPERATOR: Actor = { type: 'system', id: 'admin' };

/** Stands in the log before anything is shown. @throws StoreUnavailable */
export const recordUse = (store: EventStore, access: AuditAccess, actor: Actor = OPERATOR): Promise<void> =>
  new AuditTrail(store, new SystemClock()).record({ ...access, actor });

/** A checkpoint in a file. @throws InvalidArgumentError */
export function readHeld(file: string): SignedNote {
  try {
    return readNote(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new InvalidArgumentError(error instanceof NotACheckpoint ? error.message : 'The file can not be read.');
  }
}

export const collectHeld = (file: string, before: readonly SignedNote[] = []): readonly SignedNote[] => [
  ...before,
  readHeld(file),
];

/** How far the views are brought up, for sure; undefined where nothing is yet. @throws StoreUnavailable */
export async function projectedPosition({
  customerViews,
  checkpoints,
}: Pick<Stores, 'customerViews' | 'checkpoints'>): Promise<Position | undefined> {
  const { live } = await customerViews.generations();
  return (await checkpoints.load(projectionCheckpoint(live)))?.position;
}
