import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { EventStore } from '../../event-sourcing/event-store.js';
import { type Receipt, readReceipt } from '../../privacy/receipt.js';
import { Receipts, type ToldSubscriber } from '../../privacy/receipts.js';
import { CustomerStreams } from '../customer-streams.js';
import { customerNotFound } from '../domain/errors.js';
import { type ErasureRecord, erasureRecords } from '../erasure-record.js';
import { customerStream } from '../streams.js';
import { inTime } from './in-time.js';

/** How far the forgetting of a customer is. */
export class GetErasure extends Query<Erasure> {
  constructor(
    readonly id: string,
    /** The number of a life; the newest when absent. */
    readonly life?: number,
  ) {
    super();
  }
}

export interface Erasure {
  readonly customerId: string;
  readonly record: ErasureRecord;
  readonly receipt?: Receipt;
  readonly subscribers: readonly ToldSubscriber[];
}

/** From the log and the receipts: the views know of no request that is over. */
@QueryHandler(GetErasure)
export class GetErasureHandler implements IQueryHandler<GetErasure> {
  constructor(
    private readonly store: EventStore,
    private readonly receipts: Receipts,
    private readonly streams: CustomerStreams,
  ) {}

  execute({ id, life }: GetErasure): Promise<Erasure> {
    return inTime(this.streams.guard(id, () => this.find(id, life)));
  }

  private async find(customerId: string, life?: number): Promise<Erasure> {
    const records = erasureRecords(await this.store.read(customerStream(customerId)));
    const record = life === undefined ? records.at(-1) : records[life - 1];
    if (records.length === 0) await this.streams.refuseRemoved(customerId);
    if (record === undefined) throw customerNotFound(customerId);
    const ref = { subject: customerId, revision: record.life };
    // Also while the log knows of no end: one that was restored from before the erasure does not take the receipt back.
    const [receipt, subscribers] = await Promise.all([this.receipts.find(ref), this.receipts.subscribers(ref)]);
    return { customerId, record, subscribers, ...(receipt !== undefined && { receipt: readReceipt(receipt) }) };
  }
}
