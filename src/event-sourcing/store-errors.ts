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

/** A store is out of reach and nothing was done. Answered as 503 `service_unavailable`. */
export class StoreUnavailable extends Error {
  override readonly name: string = 'StoreUnavailable';
  /** Whether it passes without anybody's help, once the store is back. */
  readonly passes: boolean = true;
  constructor(
    readonly store: StoreName,
    options?: ErrorOptions,
  ) {
    super(`The ${store} store is out of reach`, options);
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
