import { inspect } from 'node:util';
import {
  MongoBulkWriteError,
  MongoInvalidArgumentError,
  MongoNetworkError,
  MongoNetworkTimeoutError,
  MongoServerError,
  MongoTopologyClosedError,
  MongoWriteConcernError,
} from 'mongodb';
import { StoreUnavailable } from '../../event-sourcing/store-errors.js';
import { NoAnswerInTime, RefusedByServer, translate } from './driver-errors.js';

const server = (code: number, more: object = {}): MongoServerError =>
  new MongoServerError({ errmsg: 'failed at host.example:27017 with jane@example.com', code, ...more });

describe('what the driver throws', () => {
  it.each<[string, unknown]>([
    ['a lost connection', new MongoNetworkError('connection 1 to host.example:27017 closed')],
    ['a silent one', new MongoNetworkTimeoutError('connection 1 to host.example:27017 timed out')],
    ['a closed client', new MongoTopologyClosedError()],
    [
      'an error of the system, bare',
      Object.assign(new Error('write ECONNRESET'), { code: 'ECONNRESET', syscall: 'write' }),
    ],
    ['the like from native code', { name: 'Error', code: 'EPIPE', syscall: 'write', message: 'write EPIPE' }],
    ['no answer in time', new NoAnswerInTime()],
    [
      'a write that most servers have not confirmed',
      new MongoWriteConcernError({ ok: 1, writeConcernError: { code: 64, errmsg: '' } }),
    ],
    ...[13, 18, 43, 50, 64, 91, 189, 10107, 11600, 11602, 13435, 13436].map((code): [string, unknown] => [
      `answer ${code}`,
      server(code),
    ]),
    ['an answer that the driver would repeat the write for', server(999, { errorLabels: ['RetryableWriteError'] })],
  ])('becomes a store out of reach: %s', (_, error) => {
    const seen = translate(error, 'subject_keys');
    expect(seen).toBeInstanceOf(StoreUnavailable);
    expect(seen).toMatchObject({
      store: 'subject_keys',
      cause: expect.objectContaining({ message: expect.stringMatching(/./) }),
    });
    expect(inspect(seen, { depth: 20, showHidden: true })).not.toMatch(/host\.example|jane/);
  });

  it.each<[string, Error]>([
    ['a document against the schema', server(121, { errInfo: { details: { consideredValue: 'jane@example.com' } } })],
    ['a duplicate', server(11000, { keyValue: { secretHash: 'jane@example.com' } })],
    [
      'a batch',
      new MongoBulkWriteError(
        { message: 'jane', code: 121, writeErrors: [] },
        // @ts-expect-error -- of the result only what an inspection would show
        { insertedIds: { 0: 'jane@example.com' } },
      ),
    ],
    ['a wrong call', new MongoInvalidArgumentError('jane@example.com is no option')],
  ])('becomes a refusal that repeats nothing: %s', (_, error) => {
    const seen = translate(error, 'read_model');
    expect(seen).toBeInstanceOf(RefusedByServer);
    expect(inspect(seen, { depth: 20, showHidden: true })).not.toMatch(/host\.example|jane/);
  });

  it('lets other errors pass', () => {
    const own = new RangeError('A view with a time that is none');
    expect(translate(own, 'read_model')).toBe(own);
  });
});
