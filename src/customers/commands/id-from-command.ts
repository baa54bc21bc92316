import { createHash } from 'node:crypto';

/**
 * The id of a customer created with an `Idempotency-Key` and without an id: a repeat makes the same one. In the form of a
 * UUID version 8 (RFC 9562, section 5.8).
 */
export function idFromCommand(commandId: string): string {
  const bytes = createHash('sha256').update('customer-id\0').update(commandId).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
