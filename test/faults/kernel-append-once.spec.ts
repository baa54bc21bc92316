import { appendOnce } from '../../src/event-sourcing/append-once.js';
import { type StreamEvent, WrongExpectedRevision } from '../../src/event-sourcing/event-store.js';
import { OutcomeUnknown, StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import { draft, type Fault, FaultyLog, following, HANG_MS, HandClock } from './kernel-faulty-log.js';

const STREAM = 'customer-1';
/** What is kept back of a budget for a last look. */
const RESERVE_MS = 500;

let clock: HandClock;
let log: FaultyLog;
let events: readonly StreamEvent[];

beforeEach(async () => {
  clock = new HandClock();
  log = new FaultyLog(clock);
  await log.rivalAppends(STREAM);
  events = following(STREAM, log.stream(STREAM)[0], [draft('First'), draft('Second')]);
});

/** @param patience how many calls that hang the budget can bear */
const append = (patience = 1) => appendOnce(log, clock, events, clock.now() + RESERVE_MS + patience * HANG_MS);

const written = (): readonly string[] => log.stream(STREAM).map(({ type }) => type);

describe('An append whose answer is lost', () => {
  it.each<{ faults: Fault[]; appends: number }>([
    { faults: ['the answer is lost'], appends: 2 },
    { faults: ['the request is lost'], appends: 2 },
    { faults: ['hangs after writing'], appends: 2 },
    { faults: ['hangs for ever'], appends: 2 },
    { faults: ['lands late'], appends: 2 },
    { faults: ['the answer is lost', 'the answer is lost', 'the request is lost'], appends: 4 },
    { faults: ['the request is lost', 'the store is down'], appends: 3 },
    { faults: ['the answer is lost', 'the store is down', 'another is faster'], appends: 3 },
  ])('is made again as it was, and counts once: $faults', async ({ faults, appends }) => {
    log.onAppend.push(...faults);
    const appended = await append(3);
    expect(appended.revision).toBe(2);
    expect(appended.position).toBe(log.stream(STREAM)[2]?.position);
    expect(written().filter((type) => type !== 'Rival')).toEqual(['First', 'Second']);
    expect(log.appends).toBe(appends);
  });

  it.each<Fault>(['the answer is lost', 'hangs after writing'])(
    'is found in the stream when the log no longer knows it again: %s',
    async (fault) => {
      log.forgetful = true;
      log.onAppend.push(fault, 'another is faster');
      const { revision, position } = await append(2);
      expect({ revision, position }).toEqual({ revision: 2, position: log.stream(STREAM)[2]?.position });
      expect(written()).toEqual(['Rival', 'First', 'Second', 'Rival']);
    },
  );

  it.each<Fault>(['the request is lost', 'hangs for ever'])(
    'is a conflict when another has taken its place: %s',
    async (fault) => {
      log.onAppend.push(fault, 'another is faster');
      await expect(append(2)).rejects.toBeInstanceOf(WrongExpectedRevision);
      expect(written()).toEqual(['Rival', 'Rival']);
    },
  );

  it.each<Fault>(['the store is down', 'hangs for ever'])(
    'stays unknown when the last look fails: %s',
    async (fault) => {
      log.forgetful = true;
      log.onAppend.push('the answer is lost');
      log.onRead.push(fault);
      // Only what is kept back is left for the look, so that a read that hangs is not waited for in vain for long.
      const appended = appendOnce(log, clock, events, clock.now() + RESERVE_MS + HANG_MS);
      await expect(appended).rejects.toBeInstanceOf(OutcomeUnknown);
      expect(written()).toEqual(['Rival', 'First', 'Second']);
    },
  );

  it.each<Fault>(['hangs for ever', 'hangs after writing', 'the store is down'])(
    'is given up as unknown at the end of the budget, not later: %s',
    async (fault) => {
      log.onAppend.push('the answer is lost');
      log.otherwise = fault;
      const deadline = clock.now() + RESERVE_MS + 3 * HANG_MS;
      await expect(appendOnce(log, clock, events, deadline)).rejects.toBeInstanceOf(OutcomeUnknown);
      expect(clock.now()).toBeLessThanOrEqual(deadline);
      expect(written()).toEqual(['Rival', 'First', 'Second']);
    },
  );
});

describe('An append that is refused at once', () => {
  it('is not made again when the store is down: nothing was done', async () => {
    log.onAppend.push('the store is down');
    await expect(append()).rejects.toBeInstanceOf(StoreUnavailable);
    expect(log.appends).toBe(1);
    expect(written()).toEqual(['Rival']);
  });

  it('is not made again after a conflict', async () => {
    log.onAppend.push('another is faster');
    await expect(append()).rejects.toBeInstanceOf(WrongExpectedRevision);
    expect(log.appends).toBe(1);
    expect(log.reads).toBe(0);
  });

  it('is not even begun when there is no time left to learn what became of it', async () => {
    await expect(append(0)).rejects.toEqual(new StoreUnavailable('event_log'));
    expect(log.appends).toBe(0);
    expect(written()).toEqual(['Rival']);
  });
});
