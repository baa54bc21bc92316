import { basename } from 'node:path';
import { isSqliteError, translate } from './driver-errors.js';
import { NewerSchema } from './schema.js';
import { type OutageKind, StoreUnavailable, type StoreName } from '../../event-sourcing/store-errors.js';

const PROBLEMS: Readonly<Record<OutageKind, string>> = {
  full: 'can not be written, since the disk is full',
  io_error: 'can not be read or written, since the disk fails',
  damaged: 'is damaged',
  permission: 'may not be read and written by this user',
  missing: 'is not in its place',
  busy: 'is held by another process',
  unreachable: 'can not be opened',
};

/** What was lost with each file, and how to get it back. docs/operations.md says more. */
const REMEDIES: Readonly<Record<string, string>> = {
  'events.db': 'restore it from a backup; it is the truth, and nothing makes it again',
  'keys.db': 'restore it from a backup; without it no personal value can be read',
  'views.db': 'move it away; the next start makes it again from the event log',
  'access.db': 'restore it from a backup, or move it away and make new API keys',
  'webhooks.db': 'restore it from a backup, or move it away and register the webhooks again',
  'audit.db': 'restore it from a backup, or move it away; it is made again from the event log, with another origin',
  'receipts.db': 'restore it from a backup, or move it away; receipts are then issued anew',
};

export const remedyFor = (file: string, kind: OutageKind): string => {
  const name = basename(file);
  if (kind !== 'damaged' && kind !== 'missing') return 'mend that and start again';
  return REMEDIES[name] ?? 'restore it from a backup';
};

/** What kept a file from being opened, as the start tells it; undefined where it is no matter of the file. */
export function unusable(error: unknown, file: string, store: StoreName): FileUnusable | undefined {
  if (error instanceof FileUnusable) return error;
  const outage = translate(error, store, file);
  if (outage instanceof StoreUnavailable) return new FileUnusable(file, store, outage.kind, { cause: error });
  // Statements that every start makes do not fit the file.
  const detail = error instanceof Error ? error.message : undefined;
  if (!isSqliteError(error) && !(error instanceof NewerSchema)) return undefined;
  return new FileUnusable(file, store, 'damaged', { cause: error, ...(detail !== undefined && { detail }) });
}

/** A file of the data folder with which no start is possible: one line that names it and what to do. */
export class FileUnusable extends StoreUnavailable {
  override readonly name = 'FileUnusable';
  readonly detail: string | undefined;

  constructor(
    file: string,
    store: StoreName,
    kind: OutageKind,
    { detail, ...options }: ErrorOptions & { readonly detail?: string } = {},
  ) {
    super(store, { ...options, kind });
    this.detail = detail;
    const why = detail === undefined ? '' : ` (${detail})`;
    this.message = `${file} ${PROBLEMS[kind]}${why}: ${remedyFor(file, kind)}`;
  }
}
