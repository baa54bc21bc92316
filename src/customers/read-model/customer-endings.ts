import { readMetadata } from '../../event-sourcing/envelope.js';
import type { EventStore } from '../../event-sourcing/event-store.js';
import type { DoneErasure, LifeEndings } from '../../privacy/receipt-issuer.js';
import type { KeyRef } from '../../privacy/subject-keys.js';
import { erasureRecords } from '../erasure-record.js';
import { customerStream } from '../streams.js';
import type { CustomerViews } from './customer-views.js';
import { isoTime } from './project.js';

/** What the log says of the end of a life, once the view shows nothing of that life any more. */
export class CustomerEndings implements LifeEndings {
  constructor(
    private readonly store: EventStore,
    private readonly views: Pick<CustomerViews, 'get'>,
  ) {}

  async done({ subject: customerId, revision: life }: KeyRef): Promise<DoneErasure | undefined> {
    const record = erasureRecords(await this.store.read(customerStream(customerId)))[life - 1];
    if (record?.ended === undefined) return undefined;
    const { event, cause, reasonCode, at } = record.ended;
    const view = await this.views.get(customerId);
    if (view === undefined || view.version < event.revision) return undefined;
    return {
      customerId,
      life,
      cause,
      ...(reasonCode !== undefined && { reasonCode }),
      requestedTime: isoTime(record.requestedAt ?? at),
      erasedTime: isoTime(at),
      event: { id: event.id, stream: event.stream, revision: event.revision, hash: readMetadata(event).hash },
    };
  }
}
