export type StoreName =
  | 'event_log'
  | 'read_model'
  | 'subject_keys'
  | 'api_keys'
  | 'webhooks'
  | 'audit_tree'
  | 'receipts'
  | 'token_keys'
  | 'source_directory';

/**
 * What keeps a store from doing its work. Stable words: alerts, the health answer and operators' scripts match them.
 *
 * `full`: no room on the disk. `io_error`: the disk fails to read or write. `damaged`: the file is not what was written.
 * `permission`: the file may not be read or written. `missing`: the file is no longer in its place. `busy`: another
 * process holds it. `unreachable`: a server does not answer, or nothing more is known.
 */
export const OUTAGE_KINDS = ['full', 'io_error', 'damaged', 'permission', 'missing', 'busy', 'unreachable'] as const;
export type OutageKind = (typeof OUTAGE_KINDS)[number];

const WORDS: Readonly<Record<OutageKind, string>> = {
  full: 'has no room: the disk is full',
  io_error: 'can not be read or written: the disk fails',
  damaged: 'is damaged: its file is not what was written',
  permission: 'may not be read or written: its file has other rights',
  missing: 'is gone: its file is no longer in its place',
  busy: 'is held by another process',
  unreachable: 'is out of reach',
};

/** A store is out of reach and nothing was done. Answered as 503 `service_unavailable`. */
export class StoreUnavailable extends Error {
  override readonly name: string = 'StoreUnavailable';
  readonly kind: OutageKind;
  /** Whether it passes without anybody's help. */
  readonly passes: boolean;

  /** @param options `kind` where it is known */
  constructor(
    readonly store: StoreName,
    { kind = 'unreachable', ...options }: ErrorOptions & { readonly kind?: OutageKind } = {},
  ) {
    super(`The ${store} store ${WORDS[kind]}`, options);
    this.kind = kind;
    this.passes = kind === 'unreachable' || kind === 'busy';
  }
}

/** At start: the log is not the one the checkpoint was made from. It was wiped, restored or exchanged. */
export class LogMismatch extends Error {
  override readonly name = 'LogMismatch';
}

/**
 * The log behind the store is not the one that this process has worked with: wiped, restored to an earlier state, or
 * exchanged. Nothing is read or appended until the right log is back. Answered as 503 `service_unavailable`.
 */
export class AnotherLog extends StoreUnavailable {
  override readonly name = 'AnotherLog';
  override readonly passes = false;
  /** @param reason how it was told, without a value of the log */
  constructor(readonly reason: string) {
    super('event_log');
    this.message = `The event log is another log than the one this service works with (${reason})`;
  }
}

/** The log did not say whether an append landed: it is wholly there or not at all. Answered as 503 `outcome_unknown`. */
export class OutcomeUnknown extends Error {
  override readonly name = 'OutcomeUnknown';
  constructor(options?: ErrorOptions) {
    super('The outcome of the append is unknown', options);
  }
}
