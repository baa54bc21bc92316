import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { HttpModule } from '../http/http.module.js';
import { AttachSourceHandler } from './commands/attach-source.js';
import { CreateCustomerHandler } from './commands/create-customer.js';
import { CustomerExecution } from './commands/customer-execution.js';
import { DueErasures } from './commands/due-erasures.js';
import { EraseCustomerHandler } from './commands/erase-customer.js';
import { ForgetCustomerHandler } from './commands/forget-customer.js';
import { PLAIN_HANDLERS } from './commands/plain-commands.js';
import { CustomerStreams } from './customer-streams.js';
import { CustomersController } from './customers.controller.js';
import { ErasureController } from './erasure.controller.js';
import { GetCustomerHandler } from './queries/get-customer.js';
import { GetErasureHandler } from './queries/get-erasure.js';
import { ListCustomersHandler } from './queries/list-customers.js';
import { EmailIndexing } from './read-model/email-indexing.js';
import { OpenViews } from './read-model/open-views.js';
import { SourceAttachment } from './sources/source-attachment.js';
import { SourceOwnership } from './sources/source-ownership.js';

/** What can be done with customers. The ports it needs come from the composition root. */
@Module({
  imports: [CqrsModule.forRoot(), HttpModule],
  providers: [
    ...PLAIN_HANDLERS,
    AttachSourceHandler,
    CreateCustomerHandler,
    EraseCustomerHandler,
    ForgetCustomerHandler,
    GetCustomerHandler,
    GetErasureHandler,
    ListCustomersHandler,
    CustomerExecution,
    CustomerStreams,
    DueErasures,
    EmailIndexing,
    OpenViews,
    SourceAttachment,
    SourceOwnership,
  ],
  exports: [CustomerExecution, CustomerStreams, DueErasures, EmailIndexing, SourceOwnership],
})
export class CustomersModule {}

/** The customers resource, for the instances that serve requests. */
@Module({ imports: [CustomersModule, HttpModule], controllers: [CustomersController, ErasureController] })
export class CustomersApiModule {}
