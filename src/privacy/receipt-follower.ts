import { readMetadata } from '../event-sourcing/envelope.js';
import type { RecordedEvent } from '../event-sourcing/event-store.js';
import type { LogHandler } from '../event-sourcing/log-follower.js';
import type { Erasures } from './erasure-follower.js';
import type { Receipts } from './receipts.js';

/** Notes every erasure that is to have a receipt, as the log grows; the issuer gives it one. */
export class ReceiptFollower implements LogHandler {
  readonly name = 'receipts';
  readonly prefixes: readonly string[];

  constructor(
    private readonly erasures: Pick<Erasures, 'prefixes' | 'keyEndedBy'>,
    private readonly receipts: Pick<Receipts, 'note'>,
  ) {
    this.prefixes = erasures.prefixes;
  }

  checkpointName(): Promise<string> {
    return Promise.resolve(this.name);
  }

  async handle(events: readonly RecordedEvent[]): Promise<void> {
    const noted = events.flatMap((event) => {
      const ref = this.erasures.keyEndedBy(event);
      return ref === undefined ? [] : [{ ref, position: event.position, at: readMetadata(event).at }];
    });
    if (noted.length > 0) await this.receipts.note(noted);
  }
}
