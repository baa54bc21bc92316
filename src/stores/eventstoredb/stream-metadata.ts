/** Where the server keeps what an operator set for a stream. */
const METADATA_PREFIX = '$$';

export const metadataStream = (stream: string): string => METADATA_PREFIX + stream;

/** The stream that a metadata stream is about; undefined for any other. */
export const describedBy = (stream: string): string | undefined =>
  stream.startsWith(METADATA_PREFIX) ? stream.slice(METADATA_PREFIX.length) : undefined;

/** With any of these the server drops events from the beginning of a stream; a soft delete drops all there were. */
const TRUNCATIONS = ['$tb', '$maxCount', '$maxAge'] as const;

export const isTruncation = (metadata: unknown): boolean =>
  typeof metadata === 'object' &&
  metadata !== null &&
  TRUNCATIONS.some((name) => {
    const value: unknown = Reflect.get(metadata, name);
    return typeof value === 'number' && value > 0;
  });
