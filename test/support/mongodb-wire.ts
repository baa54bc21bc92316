import type { Socket } from 'node:net';
import { BSON, type Document } from 'mongodb';

/** https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/ */
const HEADER = { length: 0, requestId: 4, responseTo: 8, opCode: 12, flags: 16 } as const;
const HEADER_BYTES = 16;
const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
/** Where the document of an OP_REPLY begins. */
const REPLY_BODY = HEADER_BYTES + 20;
const CHECKSUM_PRESENT = 1;
const MORE_TO_COME = 2;
const BODY = 0;

export const requestIdOf = (message: Buffer): number => message.readInt32LE(HEADER.requestId);
export const responseToOf = (message: Buffer): number => message.readInt32LE(HEADER.responseTo);
const opCodeOf = (message: Buffer): number => message.readInt32LE(HEADER.opCode);

export const wantsAnswer = (message: Buffer): boolean =>
  opCodeOf(message) !== OP_MSG || (message.readUInt32LE(HEADER.flags) & MORE_TO_COME) === 0;

/** A 64-bit integer stays one, so that what is read can be sent on. */
const deserialize = (bytes: Uint8Array): Document => BSON.deserialize(bytes, { promoteLongs: false });

/** Whole messages, in the order in which they come. */
export function messagesOf(socket: Socket, onMessage: (message: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (bytes: Buffer) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    while (rest.length >= 4 && rest.length >= rest.readInt32LE(HEADER.length)) {
      const length = rest.readInt32LE(HEADER.length);
      onMessage(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
  });
}

/**
 * The document of a message. What a command sends beside it (the documents of a batch) is put in under its name.
 * @throws Error the message is compressed: tell the driver `compressors=none`
 */
export function documentIn(message: Buffer): Document {
  const opCode = opCodeOf(message);
  if (opCode === OP_REPLY) return deserialize(message.subarray(REPLY_BODY));
  if (opCode === OP_QUERY) return deserialize(message.subarray(message.indexOf(0, HEADER_BYTES + 4) + 9));
  if (opCode !== OP_MSG) throw new Error(`A message of type ${opCode} can not be read`);
  const hasChecksum = (message.readUInt32LE(HEADER.flags) & CHECKSUM_PRESENT) !== 0;
  const end = message.length - (hasChecksum ? 4 : 0);
  const document: Document = {};
  for (let at = HEADER.flags + 4; at < end;) {
    const kind = message[at];
    const size = message.readInt32LE(at + 1);
    const section = message.subarray(at + 1, at + 1 + size);
    if (kind === BODY) Object.assign(document, deserialize(section));
    else Object.assign(document, sequenceIn(section));
    at += 1 + size;
  }
  return document;
}

function sequenceIn(section: Buffer): Document {
  const nameEnd = section.indexOf(0, 4);
  const documents: Document[] = [];
  for (let at = nameEnd + 1; at < section.length;) {
    const size = section.readInt32LE(at);
    documents.push(deserialize(section.subarray(at, at + size)));
    at += size;
  }
  return { [section.toString('utf8', 4, nameEnd)]: documents };
}

/** @returns the answer to a message, in the form that it was asked in */
export function answerTo(message: Buffer, document: Document): Buffer {
  const body = Buffer.from(BSON.serialize(document));
  const legacy = opCodeOf(message) === OP_QUERY;
  // Flags, cursor id, first and number of documents; or flags and the kind of the one section.
  const front = legacy ? Buffer.alloc(20) : Buffer.alloc(5);
  if (legacy) front.writeInt32LE(1, 16);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeInt32LE(HEADER_BYTES + front.length + body.length, HEADER.length);
  header.writeInt32LE(requestIdOf(message), HEADER.responseTo);
  header.writeInt32LE(legacy ? OP_REPLY : OP_MSG, HEADER.opCode);
  return Buffer.concat([header, front, body]);
}
