import { randomUUID } from 'node:crypto';
import { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { mendAppends } from './append-stream.js';
import { ResendPolicy } from './resend-policy.js';

const LIFE_MS = 400;

/** A stream of appends as the client has it, whose table of what is under way is here to be seen. */
class Stream extends Duplex {
  readonly written: streams.BatchAppendReq[] = [];
  readonly table = new Set<string>();
  readonly told: streams.BatchAppendResp[] = [];

  constructor() {
    super({ objectMode: true });
    this.on('error', () => this.table.clear());
    this.on('data', (answer: streams.BatchAppendResp) => {
      const id = answer.getCorrelationId()?.getString() ?? '';
      if (!this.table.delete(id)) throw new TypeError('promiseBank.get(...) is not iterable');
      answer.getSuccess()!.getCurrentRevision();
      this.told.push(answer);
    });
    mendAppends(this, new ResendPolicy(), LIFE_MS);
  }

  override _write(message: streams.BatchAppendReq, _: unknown, done: () => void): void {
    this.written.push(message);
    done();
  }

  override _read(): void {
    // What comes is pushed.
  }

  append(parts = 1): string {
    const id = randomUUID();
    this.table.add(id);
    for (let part = 1; part <= parts; part += 1) {
      const message = new streams.BatchAppendReq();
      message.setCorrelationId(uuidOf(id));
      if (part === 1) message.setOptions(new streams.BatchAppendReq.Options());
      message.setIsFinal(part === parts);
      this.write(message);
    }
    return id;
  }

  answer(id: string): void {
    const answer = new streams.BatchAppendResp();
    answer.setCorrelationId(uuidOf(id));
    answer.setSuccess(new streams.BatchAppendResp.Success());
    this.push(answer);
  }
}

function uuidOf(id: string): shared.UUID {
  const uuid = new shared.UUID();
  uuid.setString(id);
  return uuid;
}

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await delay(2);
};

describe('The stream of appends', () => {
  let stream: Stream;
  beforeEach(() => {
    stream = new Stream();
  });
  afterEach(() => stream.destroy());

  it('sends what is not answered again as it was', async () => {
    const id = stream.append();
    await until(() => stream.written.length === 2);
    expect(stream.written[1]).toBe(stream.written[0]);
    stream.answer(id);
    await until(() => stream.told.length === 1);
  });

  it('tells the client of the first answer, and of no other', async () => {
    const id = stream.append();
    await until(() => stream.written.length === 2);
    const other = stream.append();
    for (const one of [id, id, other]) stream.answer(one);
    await until(() => stream.told.length === 2);
    expect(stream.told.map((answer) => answer.getCorrelationId()?.getString())).toEqual([id, other]);
  });

  it('leaves nothing in the table of the client of what is never answered', async () => {
    for (let n = 0; n < 50; n += 1) stream.append();
    expect(stream.table.size).toBe(50);
    await until(() => stream.table.size === 0);
    expect(stream.told).toEqual([]);
    expect(stream.written.length).toBeLessThanOrEqual(50 + 8);
  });

  it('does not send a large append again, which goes out in parts, and forgets it in time', async () => {
    stream.append(3);
    await until(() => stream.table.size === 0);
    expect(stream.written).toHaveLength(3);
  });

  it('sends nothing more once it has broken', async () => {
    stream.append();
    stream.destroy(new Error('broken'));
    await delay(LIFE_MS);
    expect(stream.written).toHaveLength(1);
  });

  it('has no time of day in what it sends, which the server would hold against its own clock', () => {
    stream.append();
    expect(stream.written[0]!.getOptions()!.hasDeadline()).toBe(false);
  });
});
