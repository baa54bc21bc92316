import { Module } from '@nestjs/common';
import { HttpModule } from '../http/http.module.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { AuditController } from './audit.controller.js';
import { AuditTrail } from './audit-trail.js';
import { CustomerAudit } from './customer-audit.js';
import { LogAudit } from './log-audit.js';

/** The log as compliance reads it, for the instances that serve requests. */
@Module({
  imports: [SubscribersModule, HttpModule],
  providers: [AuditTrail, CustomerAudit, LogAudit],
  controllers: [AuditController],
  exports: [AuditTrail],
})
export class AuditModule {}
