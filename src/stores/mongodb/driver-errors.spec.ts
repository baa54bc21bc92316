import { inspect } from 'node:util';
import {
  MongoBulkWriteError,
  type MongoError,
  MongoInvalidArgumentError,
  MongoMissingDependencyError,
  MongoNetworkError,
  MongoNetworkTimeoutError,
  MongoServerError,
  MongoServerSelectionError,
  MongoTopologyClosedError,
  MongoWriteConcernError,
} from 'mongodb';
import { StoreUnavailable } from '../../event-sourcing/store-errors.js';
import { describeError } from '../../http/service-logger.js';
import { isDuplicateKey, translate } from './driver-errors.js';
import { NoAnswerInTime, RefusedByServer } from './operation-errors.js';

const server = (code: number, more: object = {}): MongoServerError =>
  new MongoServerError({ errmsg: 'failed at host.example:27017 with jane@example.com', code, ...more });

/** As a batch has it: with what was caught, and with what the parts that were answered say. */
function batch(caught: MongoError | object, writeErrors: readonly number[] = [], unconfirmed?: number): Error {
  const result = {
    insertedIds: { 0: 'jane@example.com' },
    getWriteErrors: () => writeErrors.map((code) => ({ code, errmsg: 'jane@example.com' })),
    getWriteConcernError: () => (unconfirmed === undefined ? undefined : { code: unconfirmed }),
  };
  // @ts-expect-error -- of the result only what is looked at, and what an inspection would show
  return new MongoBulkWriteError(caught, result);
}

const selection = (reason: object): Error =>
  // @ts-expect-error -- of the topology only what is looked at
  new MongoServerSelectionError('host.example:27017 speaks another version', reason);

const ofSocket = Object.assign(new Error('write ECONNRESET'), { code: 'ECONNRESET', syscall: 'write' });

describe('what the driver throws', () => {
  it.each<[string, unknown, cause: object]>([
    ['a lost connection', new MongoNetworkError('to host.example:27017 closed'), { name: 'MongoNetworkError' }],
    [
      'one that the system ended',
      new MongoNetworkError('host.example:27017', { cause: ofSocket }),
      { name: 'MongoNetworkError', code: 'ECONNRESET' },
    ],
    ['a silent one', new MongoNetworkTimeoutError('host.example:27017'), { name: 'MongoNetworkTimeoutError' }],
    ['a closed client', new MongoTopologyClosedError(), { name: 'MongoTopologyClosedError' }],
    ['no server that can be used', selection({ compatible: true }), { name: 'MongoServerSelectionError' }],
    ['an error of the system, bare', ofSocket, { code: 'ECONNRESET' }],
    ['the like from native code', { name: 'Error', code: 'EPIPE', syscall: 'write' }, { code: 'EPIPE' }],
    ['no answer in time', new NoAnswerInTime(), { name: 'NoAnswerInTime' }],
    [
      'a write that most servers have not confirmed',
      new MongoWriteConcernError({ ok: 1, writeConcernError: { code: 64, errmsg: '' } }),
      { name: 'WriteConcernTimeout', code: '64' },
    ],
    ['another primary', server(10107), { name: 'NotWritablePrimary', code: '10107' }],
    [
      'an answer that may be asked for again',
      server(999, { errorLabels: ['RetryableWriteError'], codeName: 'NewCode' }),
      { name: 'NewCode', code: '999' },
    ],
    ['a batch that was refused as a whole', batch(server(189)), { name: 'PrimarySteppedDown', code: '189' }],
    ['a batch whose connection was lost', batch(new MongoNetworkError('host.example')), { name: 'MongoNetworkError' }],
    ['a batch of which the system ended the connection', batch(ofSocket), { name: 'Error', code: 'ECONNRESET' }],
    ['a batch that is not confirmed', batch({ message: 'jane@example.com', code: 7_777 }, [], 7_777), { code: '7777' }],
    ['a batch of which one write was broken off', batch({ code: 11000 }, [11000, 11601]), { name: 'Interrupted' }],
    ['a batch of which the second half was refused', batch(server(91), [11000]), { name: 'ShutdownInProgress' }],
  ])('becomes a store out of reach, with a name: %s', (_, error, cause) => {
    const seen = translate(error, 'subject_keys');
    expect(seen).toBeInstanceOf(StoreUnavailable);
    expect(describeError(seen)).toMatchObject({ store: 'subject_keys', cause });
    expect(inspect(seen, { depth: 20, showHidden: true })).not.toMatch(/host\.example|jane/);
  });

  it.each<[string, Error, cause: object]>([
    [
      'a document against the schema',
      server(121, { errInfo: { details: { consideredValue: 'jane@example.com' } } }),
      { name: 'DocumentValidationFailure', code: '121' },
    ],
    ['a duplicate', server(11000, { keyValue: { secretHash: 'jane@example.com' } }), { name: 'DuplicateKey' }],
    ['no code', new MongoServerError({ ok: 0, errmsg: 'jane@example.com' }), { name: 'MongoServerError' }],
    ['a name that quotes', server(7_777, { codeName: 'jane@example.com' }), { name: 'MongoServerError', code: '7777' }],
    ['a batch', batch({ message: 'jane', code: 121 }, [11000, 121]), { name: 'DocumentValidationFailure' }],
    ['a batch that the program can not have meant', batch(new TypeError('jane@example.com')), { name: 'TypeError' }],
    [
      'what the driver says of a server alone',
      new MongoServerError({ message: 'Add retryWrites=false', originalError: server(20) }),
      { name: 'IllegalOperation', code: '20' },
    ],
    ['a wrong call', new MongoInvalidArgumentError('jane@example.com'), { name: 'MongoInvalidArgumentError' }],
    [
      'a package that is not there',
      new MongoMissingDependencyError('snappy', { dependencyName: 'snappy', cause: new Error('jane') }),
      { name: 'MongoMissingDependencyError' },
    ],
    ['a server of another age', selection({ compatible: false }), { name: 'MongoCompatibilityError' }],
  ])('becomes a refusal that has a name and repeats nothing: %s', (_, error, cause) => {
    const seen = translate(error, 'read_model');
    expect(seen).toBeInstanceOf(RefusedByServer);
    expect(describeError(seen)).toMatchObject({ code: expect.stringMatching(/^\w+$/), cause });
    expect(inspect(seen, { depth: 20, showHidden: true })).not.toMatch(/host\.example|jane/);
  });

  it('is a duplicate when it tells of duplicates alone', () => {
    expect([server(11000), batch({ code: 11000 }, [11000, 11000])].map(isDuplicateKey)).toEqual([true, true]);
    const others = [server(121), batch({ code: 11000 }, [11000, 121]), batch(server(91), [11000]), new Error('other')];
    expect(others.map(isDuplicateKey)).toEqual([false, false, false, false]);
    expect(isDuplicateKey(batch({ code: 11000 }, [11000], 64))).toBe(false);
  });

  it('lets other errors pass', () => {
    const own = new RangeError('A view with a time that is none');
    expect(translate(own, 'read_model')).toBe(own);
  });
});
