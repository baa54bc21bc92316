import { Module } from '@nestjs/common';
import { CustomersModule } from '../customers/customers.module.js';
import { HttpModule } from '../http/http.module.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { AuditController } from './audit.controller.js';
import { AuditNotes } from './audit-notes.js';
import { AuditPageController } from './audit-page.controller.js';
import { AuditTrail } from './audit-trail.js';
import { CustomerAudit } from './customer-audit.js';
import { CustomerVerifications } from './customer-verification.js';
import { LogAudit } from './log-audit.js';

/** The log as compliance reads it, for the instances that serve requests. */
@Module({
  imports: [CustomersModule, SubscribersModule, HttpModule],
  providers: [AuditTrail, AuditNotes, CustomerAudit, CustomerVerifications, LogAudit],
  controllers: [AuditController, AuditPageController],
  exports: [AuditNotes],
})
export class AuditModule {}
