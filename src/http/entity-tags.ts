import { ApiError } from './errors.js';

/** The entity tag of a customer: the revision its stream stands at (RFC 9110, 8.8.3). */
export const etagOf = (version: number): string => `"${String(version)}"`;

const TAG = /^(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"$/;
const REVISION = /^(0|[1-9]\d{0,15})$/;

/**
 * The revisions that `If-Match` accepts (RFC 9110, 13.1.1). A weak tag never matches, nor does one this service did not
 * make, so the list can be empty. `*` and no header at all: undefined, any revision will do.
 * @throws ApiError invalid_parameter when the header is malformed
 */
export function parseIfMatch(header: string | undefined): readonly number[] | undefined {
  if (header === undefined || header.trim() === '*') return undefined;
  // A comma may stand inside a tag, but not in one of ours: then both halves are refused as malformed.
  const tags = header.split(',').map((part) => TAG.exec(part.trim()));
  return tags.flatMap((tag) => {
    if (tag === null) throw ApiError.of('invalid_parameter', 'If-Match must list entity tags, or be *', 'If-Match');
    const [, weak, opaque = ''] = tag;
    return weak === undefined && REVISION.test(opaque) ? [Number(opaque)] : [];
  });
}
