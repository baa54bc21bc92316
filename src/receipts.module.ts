import { type DynamicModule, Module } from '@nestjs/common';
import { CustomerEndings } from './customers/read-model/customer-endings.js';
import type { CustomerViews } from './customers/read-model/customer-views.js';
import type { Checkpoints } from './event-sourcing/checkpoints.js';
import type { EventStore } from './event-sourcing/event-store.js';
import { followerLog } from './follower-log.js';
import { LogCheckpoints } from './privacy/log-checkpoints.js';
import { type IssuerParts, ReceiptIssuer } from './privacy/receipt-issuer.js';
import type { SigningRing } from './privacy/signing-ring.js';

type Parts = Omit<IssuerParts, 'checkpoints' | 'endings' | 'log' | 'ring' | 'logCheckpoints'> & {
  readonly eventStore: EventStore;
  readonly customerViews: CustomerViews;
  readonly receiptCheckpoints: Checkpoints;
  readonly signing: SigningRing;
  /** Provides the checkpoints that receipts hold. */
  readonly treeModule: DynamicModule;
};

/** Issues the receipts of erasures, once everything is done that they say. */
@Module({})
export class ReceiptsModule {
  static with(parts: Parts): DynamicModule {
    const log = followerLog(ReceiptIssuer.name);
    const issuer = {
      provide: ReceiptIssuer,
      inject: [LogCheckpoints],
      useFactory: (logCheckpoints: LogCheckpoints) =>
        new ReceiptIssuer({
          ...parts,
          checkpoints: parts.receiptCheckpoints,
          endings: new CustomerEndings(parts.eventStore, parts.customerViews),
          ring: parts.signing,
          logCheckpoints,
          log,
        }),
    };
    return { module: ReceiptsModule, imports: [parts.treeModule], providers: [issuer], exports: [issuer] };
  }
}
