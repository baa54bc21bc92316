import { applyDecorators } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiResponse } from '@nestjs/swagger';
import { answer, type Docs } from '../http/answer-docs.js';
import { Errors } from '../http/error-docs.js';
import { ConsistencyProofResponse, InclusionProofResponse, TreeVerificationResponse } from './tree-responses.js';

export const TEXT_MEDIA = 'text/plain';

const ROOT = 'l6N0jq7G1u0N7nHHbmVn0o7dGZ2mX8y1rI4o0mZr1xM=';
const NODE = 'Vr5pQm1yq0s2bJb3H7lq8w9e1T5u6I7o8P9a0S1d2Fg=';
const ORIGIN = 'customers/0198a0f4-6a3e-7c53-9d6c-3f0a5a1c2b7e';
const HEAD = { size: 2048, root: ROOT };
const NOTE = `${ORIGIN}\n2048\n${ROOT}\ntime 2026-03-01T09:31:00.000Z\n\n\u2014 ${ORIGIN} fLKb8eRge3T7N36t\n`;
const LEAF = {
  eventId: '0198a0f4-6a3e-7c53-9d6c-3f0a5a1c2b7e',
  stream: 'customer-5823594808',
  revision: 3,
  leafIndex: 1200,
  hash: '9b74c9897bac770ffc029102a200c5de1f3b9d0a6e4c8f2b7d1a5e3c9f0b6d8e',
  leafHash: NODE,
  path: [NODE, ROOT],
  head: HEAD,
  checkpoint: NOTE,
};
const STATE = {
  origin: ORIGIN,
  keys: [`${ORIGIN}+7cb29bf1+${NODE}`],
  treeSize: 2050,
  unsigned: 2,
  head: HEAD,
  signedTime: '2026-03-01T09:31:00.000Z',
  checkpoint: NOTE,
  tree: 'sound',
  lastVerification: {
    time: '2026-03-01T03:00:00.000Z',
    verdict: 'sound',
    events: 1980,
    heldOutside: 1,
    findings: [],
    found: 0,
  },
};

const SIZE = { type: 'integer', minimum: 1, maximum: 999_999_999 } as const;

export const GetCheckpoint = (): Docs =>
  applyDecorators(
    ApiOperation({
      summary: 'The last signed checkpoint of the audit tree',
      description:
        'A signed note (C2SP tlog-checkpoint): name of the tree, number of leaves, root hash in base64, the time in an extension ' +
        'line, an empty line, the signature (Ed25519). Keep it: whoever holds it can show that nothing before it was changed.',
    }),
    ApiResponse({
      status: 200,
      description: 'OK',
      content: { [TEXT_MEDIA]: { schema: { type: 'string' }, examples: { checkpoint: { value: NOTE } } } },
    }),
    Errors('not_found'),
  );

export const GetInclusionProof = (): Docs =>
  applyDecorators(
    ApiOperation({
      summary: 'Shows that an event is in the tree of the last checkpoint',
      description: 'An event is under a checkpoint about a minute after it was appended; until then this is 404.',
    }),
    ApiQuery({
      name: 'eventId',
      schema: { type: 'string', pattern: '^[0-9A-Za-z-]{1,64}$' },
      description: 'Of an event of any stream.',
    }),
    answer(200, InclusionProofResponse, { example: LEAF }),
    Errors('invalid_parameter', 'missing_parameter', 'not_found'),
  );

export const GetConsistencyProof = (): Docs =>
  applyDecorators(
    ApiOperation({ summary: 'Shows that the tree of one size begins with the tree of another' }),
    ApiQuery({ name: 'from', schema: SIZE, description: 'The smaller size.' }),
    ApiQuery({ name: 'to', required: false, schema: SIZE, description: 'That of the last checkpoint without it.' }),
    answer(200, ConsistencyProofResponse, {
      example: { from: { size: 1024, root: NODE }, to: HEAD, path: [NODE, ROOT] },
    }),
    Errors('invalid_parameter', 'missing_parameter', 'not_found'),
  );

export const GetVerification = (): Docs =>
  applyDecorators(
    ApiOperation({
      summary: 'How the audit tree stands',
      description:
        'Size, last checkpoint and keys, and whether the stored tree still begins with what was signed last. The log itself is ' +
        'checked by the command `audit verify`, which reads all of it: what it came to last, and when, is told here.',
    }),
    answer(200, TreeVerificationResponse, { example: STATE }),
    Errors(),
  );
