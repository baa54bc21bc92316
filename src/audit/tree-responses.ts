import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { InclusionProof, TreeState } from './tree-proofs.js';
import type { PastVerification } from './verification-log.js';
import { base64 } from './merkle-hashing.js';

const HASH = 'SHA-256, base64.';

export class TreeHeadResponse {
  @ApiProperty({ type: 'integer', description: 'How many leaves.', example: 2048 })
  size: number;

  @ApiProperty({ type: String, description: `The root: ${HASH}` })
  root: string;
}

export class InclusionProofResponse {
  @ApiProperty({ type: String, example: '0198a0f4-6a3e-7c53-9d6c-3f0a5a1c2b7e' })
  eventId: string;

  @ApiProperty({ type: String, example: 'customer-5823594808' })
  stream: string;

  @ApiProperty({ type: 'integer', description: 'In its stream, from 0.' })
  revision: number;

  @ApiProperty({ type: 'integer', description: 'Place among the leaves, from 0.' })
  leafIndex: number;

  @ApiProperty({ type: String, description: "The event's `hash`, hex: the entry that the leaf is made of." })
  hash: string;

  @ApiProperty({ type: String, description: `SHA-256 over 0x00 and the entry, base64.` })
  leafHash: string;

  @ApiProperty({ type: [String], description: `The audit path, lowest first (RFC 9162, 2.1.3). ${HASH}` })
  path: string[];

  @ApiProperty({ type: TreeHeadResponse })
  head: TreeHeadResponse;

  @ApiProperty({ type: String, description: 'The signed note that the head stands in.' })
  checkpoint: string;
}

export class ConsistencyProofResponse {
  @ApiProperty({ type: TreeHeadResponse })
  from: TreeHeadResponse;

  @ApiProperty({ type: TreeHeadResponse })
  to: TreeHeadResponse;

  @ApiProperty({ type: [String], description: `The nodes of the proof (RFC 9162, 2.1.4). ${HASH}` })
  path: string[];
}

class FindingResponse {
  @ApiProperty({ type: String, example: 'The event is not as it was: the tree holds another hash' })
  message: string;

  @ApiPropertyOptional({ type: String, example: 'customer-5823594808' })
  stream?: string;

  @ApiPropertyOptional({ type: 'integer' })
  revision?: number;

  @ApiPropertyOptional({ type: String })
  eventId?: string;
}

class LastVerificationResponse {
  @ApiProperty({ type: String, format: 'date-time' })
  time: string;

  @ApiProperty({ enum: ['sound', 'manipulation', 'gaps'] })
  verdict: string;

  @ApiProperty({ type: 'integer', description: 'How many were checked: all that there were.' })
  events: number;

  @ApiProperty({ type: 'integer', description: 'Checkpoints from outside that it was held against.' })
  heldOutside: number;

  @ApiProperty({ type: [FindingResponse], description: 'The first ten.' })
  findings: FindingResponse[];

  @ApiProperty({ type: 'integer', description: 'How many findings there were.' })
  found: number;
}

export class TreeVerificationResponse {
  @ApiProperty({ type: String, description: 'The name of the tree, and of the keys that sign it.' })
  origin: string;

  @ApiProperty({ type: [String], description: 'Public keys (C2SP signed-note), the active one first.' })
  keys: string[];

  @ApiProperty({ type: 'integer', description: 'Events in the tree.' })
  treeSize: number;

  @ApiProperty({ type: 'integer', description: 'Of these, not under a checkpoint yet.' })
  unsigned: number;

  @ApiPropertyOptional({ type: TreeHeadResponse, description: 'Of the last checkpoint; absent before the first.' })
  head?: TreeHeadResponse;

  @ApiPropertyOptional({ type: String, format: 'date-time', description: 'When the last checkpoint was signed.' })
  signedTime?: string;

  @ApiPropertyOptional({ type: String, description: 'The last checkpoint.' })
  checkpoint?: string;

  @ApiProperty({
    enum: ['sound', 'altered'],
    description: 'Whether the last checkpoint is signed and the stored tree still begins with its tree.',
  })
  tree: 'sound' | 'altered';

  @ApiPropertyOptional({
    type: LastVerificationResponse,
    description: 'What the last `audit verify`, which reads the whole log, came to; absent where there was none.',
  })
  lastVerification?: LastVerificationResponse;
}

const headOf = ({ size, root }: { size: number; root: Uint8Array }): TreeHeadResponse => ({ size, root: base64(root) });

export const toInclusionProof = ({ leaf, leafHash, path, checkpoint }: InclusionProof): InclusionProofResponse => ({
  eventId: leaf.eventId,
  stream: leaf.stream,
  revision: leaf.revision,
  leafIndex: leaf.index,
  hash: Buffer.from(leaf.entry).toString('hex'),
  leafHash: base64(leafHash),
  path: path.map(base64),
  head: headOf(checkpoint),
  checkpoint: checkpoint.note,
});

const toLast = ({ at, findings, ...counts }: PastVerification): LastVerificationResponse => ({
  time: new Date(at).toISOString(),
  ...counts,
  findings: findings.map(({ message, event: { stream, revision, eventId } = {} }) => ({
    message,
    ...(stream !== undefined && { stream }),
    ...(revision !== undefined && { revision }),
    ...(eventId !== undefined && { eventId }),
  })),
});

export const toVerification = (
  { origin, keys, size, checkpoint, isSound }: TreeState,
  last: PastVerification | undefined,
): TreeVerificationResponse => ({
  origin,
  keys: [...keys],
  treeSize: size,
  unsigned: Math.max(0, size - (checkpoint?.size ?? 0)),
  ...(checkpoint !== undefined && {
    head: headOf(checkpoint),
    signedTime: new Date(checkpoint.at).toISOString(),
    checkpoint: checkpoint.note,
  }),
  tree: isSound ? 'sound' : 'altered',
  ...(last && { lastVerification: toLast(last) }),
});
