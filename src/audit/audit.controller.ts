import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RequiresScope } from '../access/required-access.js';
import { CustomerIdPipe } from '../customers/dto/path-pipes.js';
import type { JsonObject } from '../event-sourcing/event-store.js';
import { isoTime } from '../customers/read-model/project.js';
import { FlatQuery, type QueryParameters } from '../http/query-string.js';
import { LogCursors } from '../subscribers/log-cursors.js';
import type { AlteredEvent } from './altered-event.js';
import { AuditNotes, seesPersonal } from './audit-notes.js';
import * as docs from './audit.docs.js';
import {
  CustomerAudit,
  type CustomerAsOf,
  type CustomerDiff,
  type HistoryEvent,
  type Moment,
} from './customer-audit.js';
import { type CustomerVerification, CustomerVerifications } from './customer-verification.js';
import { LogAudit, type LogEvent, type LogFilter } from './log-audit.js';
import { readDiffQuery, readHistoryQuery, readLogQuery, readMoment } from './read-audit-query.js';

interface Page<E> {
  readonly data: readonly E[];
  readonly next: string;
  readonly hasMore: boolean;
}

/** What was known of a customer when, who changed it and why. Each use is written down before anything is shown. */
@ApiTags('Audit')
@ApiBearerAuth()
@Controller('audit')
export class AuditController {
  constructor(
    private readonly notes: AuditNotes,
    private readonly customers: CustomerAudit,
    private readonly log: LogAudit,
    private readonly verifications: CustomerVerifications,
    private readonly cursors: LogCursors,
  ) {}

  @Get('events')
  @RequiresScope('audit:read')
  @docs.ListAuditEvents()
  async listAuditEvents(
    @FlatQuery() query: QueryParameters,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Page<LogEvent>> {
    const wanted = readLogQuery(query, this.cursors);
    const { customerId, ...filter } = wanted.filter;
    await this.notes.note(request, reply, { customerId, details: filterDetails(filter) });
    const { events, position, hasMore } = await this.log.page(wanted, seesPersonal(request));
    return { data: events, next: this.cursors.write(position), hasMore };
  }

  @Get('customers/:id/events')
  @RequiresScope('audit:read')
  @docs.ListCustomerHistory()
  async listCustomerHistory(
    @Param('id', CustomerIdPipe) customerId: string,
    @FlatQuery() query: QueryParameters,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Page<HistoryEvent | AlteredEvent>> {
    const wanted = readHistoryQuery(query, this.cursors);
    await this.notes.note(request, reply, { customerId });
    const { events, position, hasMore } = await this.customers.history(customerId, wanted, seesPersonal(request));
    return { data: events, next: this.cursors.write(position), hasMore };
  }

  @Get('customers/:id')
  @RequiresScope('audit:read')
  @docs.GetCustomerAsOf()
  async getCustomerAsOf(
    @Param('id', CustomerIdPipe) customerId: string,
    @FlatQuery() query: QueryParameters,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CustomerAsOf> {
    const moment = readMoment(query);
    await this.notes.note(request, reply, { customerId, details: { at: momentDetails(moment) } });
    return this.customers.asOf(customerId, moment, seesPersonal(request));
  }

  @Get('customers/:id/diff')
  @RequiresScope('audit:read')
  @docs.DiffCustomer()
  async diffCustomer(
    @Param('id', CustomerIdPipe) customerId: string,
    @FlatQuery() query: QueryParameters,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CustomerDiff> {
    const { from, to } = readDiffQuery(query);
    const details = { from: momentDetails(from), to: momentDetails(to) };
    await this.notes.note(request, reply, { customerId, details });
    return this.customers.diff(customerId, from, to, seesPersonal(request));
  }

  @Get('customers/:id/verification')
  @RequiresScope('audit:read')
  @docs.VerifyCustomer()
  async verifyCustomer(
    @Param('id', CustomerIdPipe) customerId: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CustomerVerification> {
    await this.notes.note(request, reply, { customerId });
    return this.verifications.verify(customerId);
  }
}

/** As it was understood: the text of the query itself is kept nowhere. */
const momentDetails = (moment: Moment): string | number =>
  moment === 'newest' ? moment : 'time' in moment ? isoTime(moment.time) : moment.revision;

const filterDetails = ({ from, to, actor, types }: Omit<LogFilter, 'customerId'>): JsonObject => ({
  ...(from !== undefined && { from: isoTime(from) }),
  ...(to !== undefined && { to: isoTime(to) }),
  ...(actor !== undefined && { actor }),
  ...(types !== undefined && { types: [...types] }),
});
