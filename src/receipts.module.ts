import { type DynamicModule, Logger, Module } from '@nestjs/common';
import { CustomerEndings } from './customers/read-model/customer-endings.js';
import type { CustomerViews } from './customers/read-model/customer-views.js';
import type { Checkpoints } from './event-sourcing/checkpoints.js';
import type { EventStore } from './event-sourcing/event-store.js';
import { LogCheckpoints } from './privacy/log-checkpoints.js';
import { type IssuerParts, ReceiptIssuer } from './privacy/receipt-issuer.js';
import type { SigningRing } from './privacy/signing-ring.js';

type Parts = Omit<IssuerParts, 'checkpoints' | 'endings' | 'log' | 'ring' | 'logCheckpoints'> & {
  readonly eventStore: EventStore;
  readonly customerViews: CustomerViews;
  readonly receiptCheckpoints: Checkpoints;
  readonly signing: SigningRing;
};

/** Issues the receipts of erasures, once everything is done that they say. */
@Module({})
export class ReceiptsModule {
  static with(parts: Parts): DynamicModule {
    const logger = new Logger(ReceiptIssuer.name);
    const log: IssuerParts['log'] = {
      warn: (message, details) => {
        logger.warn(`${message} ${JSON.stringify(details)}`);
      },
    };
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
    return { module: ReceiptsModule, providers: [issuer], exports: [issuer] };
  }
}
