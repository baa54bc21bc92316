import { Controller, Get, Header, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RequiresScope } from '../access/required-access.js';
import { ApiError } from '../http/errors.js';
import { Offers } from '../http/media-types.js';
import { FlatQuery, integer, invalidQuery, type QueryParameters, singleValue } from '../http/query-string.js';
import { AuditNotes } from './audit-notes.js';
import * as docs from './tree.docs.js';
import { TEXT_MEDIA } from './tree.docs.js';
import { TreeProofs } from './tree-proofs.js';
import {
  type ConsistencyProofResponse,
  type InclusionProofResponse,
  toInclusionProof,
  toVerification,
  type TreeVerificationResponse,
} from './tree-responses.js';
import { VerificationLog } from './verification-log.js';
import { base64 } from './merkle-hashing.js';

const EVENT_ID = /^[0-9A-Za-z-]{1,64}$/;
const MOST = 999_999_999;

/** What the log's Merkle tree can show. Nothing personal: hashes, ids and counts. */
@ApiTags('Audit')
@ApiBearerAuth()
@Controller('audit')
export class TreeController {
  constructor(
    private readonly proofs: TreeProofs,
    private readonly notes: AuditNotes,
    private readonly verifications: VerificationLog,
  ) {}

  @Get('checkpoint')
  @RequiresScope('audit:read')
  @Offers(TEXT_MEDIA)
  @Header('Content-Type', `${TEXT_MEDIA}; charset=utf-8`)
  @docs.GetCheckpoint()
  async checkpoint(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    await this.notes.note(request, reply);
    return (await this.requireLatest()).note;
  }

  @Get('proofs/inclusion')
  @RequiresScope('audit:read')
  @docs.GetInclusionProof()
  async inclusionProof(
    @FlatQuery() query: QueryParameters,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<InclusionProofResponse> {
    const eventId = required(singleValue(query, 'eventId'), 'eventId');
    if (!EVENT_ID.test(eventId)) throw invalidQuery('eventId', 'eventId must be the id of an event');
    await this.notes.note(request, reply, { details: { eventId } });
    const proof = await this.proofs.inclusion(eventId);
    if (proof === undefined) {
      throw ApiError.of(
        'not_found',
        'No such event is under a checkpoint; a new one is within about a minute',
        'eventId',
      );
    }
    return toInclusionProof(proof);
  }

  @Get('proofs/consistency')
  @RequiresScope('audit:read')
  @docs.GetConsistencyProof()
  async consistencyProof(
    @FlatQuery() query: QueryParameters,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConsistencyProofResponse> {
    const from = required(integer(query, 'from', 1, MOST), 'from');
    const to = integer(query, 'to', 1, MOST) ?? (await this.requireLatest()).size;
    if (to > (await this.proofs.size())) throw invalidQuery('to', 'to must not be larger than the tree');
    if (from > to) throw invalidQuery('from', 'from must not be larger than to');
    await this.notes.note(request, reply, { details: { from, to } });
    const { hashes } = this.proofs;
    const headOf = async (size: number) => ({ size, root: base64(await hashes.root(size)) });
    const path = (await hashes.consistency(from, to)).map(base64);
    return { from: await headOf(from), to: await headOf(to), path };
  }

  @Get('verification')
  @RequiresScope('audit:read')
  @docs.GetVerification()
  async verification(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TreeVerificationResponse> {
    await this.notes.note(request, reply);
    return toVerification(await this.proofs.state(), await this.verifications.last());
  }

  private async requireLatest() {
    const latest = await this.proofs.latest();
    if (latest === undefined) throw ApiError.of('not_found', 'There is no checkpoint yet');
    return latest;
  }
}

function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw ApiError.of('missing_parameter', `${name} is required`, name);
  return value;
}
