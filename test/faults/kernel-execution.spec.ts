import fc from 'fast-check';
import { type CommandOn, execute, HistoryMovedOn } from '../../src/event-sourcing/command-execution.js';
import { hashEvent, readMetadata } from '../../src/event-sourcing/envelope.js';
import type { EventDraft } from '../../src/event-sourcing/envelope.js';
import type { RecordedEvent } from '../../src/event-sourcing/event-store.js';
import { OutcomeUnknown, StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import { scale } from '../support/scale.js';
import { seed } from '../support/seed.js';
import { draft, type Fault, FaultyLog, HANG_MS, HandClock, until } from './kernel-faulty-log.js';

const STREAM = 'customer-1';
const RESERVE_MS = 500;

interface Decision {
  readonly drafts: readonly EventDraft[];
  /** How many events it was made from. */
  readonly from: number;
}

class Bench {
  readonly clock = new HandClock();
  readonly log = new FaultyLog(this.clock);
  /** How many events each decision was made from. */
  readonly decisions: number[] = [];

  run(type: string, options: Partial<CommandOn<Decision>> & { readonly patience?: number } = {}) {
    const { patience = 4, ...rest } = options;
    return execute<Decision>(this.log, this.clock, {
      stream: STREAM,
      deadline: this.clock.now() + RESERVE_MS + patience * HANG_MS,
      expectNew: false,
      decide: (history) => Promise.resolve(this.decide(type, history)),
      ...rest,
    });
  }

  decide(type: string, history: readonly RecordedEvent[]): Decision {
    this.decisions.push(history.length);
    return { drafts: [draft(type)], from: history.length };
  }

  get written(): readonly string[] {
    return this.log.stream(STREAM).map(({ type }) => type);
  }
}

function expectChain(events: readonly RecordedEvent[]): void {
  let before: string | null = null;
  for (const [revision, event] of events.entries()) {
    expect(event.revision).toBe(revision);
    const { prevHash, hash } = readMetadata(event);
    expect(prevHash).toBe(before);
    expect(hashEvent(event)).toBe(hash);
    before = hash;
  }
}

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});

describe('A command', () => {
  it('is decided from the history and appended behind it', async () => {
    await bench.log.rivalAppends(STREAM);
    const { history, decision, appended, position } = await bench.run('Mine');
    expect(history).toHaveLength(1);
    expect(decision.from).toBe(1);
    expect(appended.map(({ revision }) => revision)).toEqual([1]);
    expect(position).toBe(bench.log.stream(STREAM)[1]?.position);
    expectChain(bench.log.stream(STREAM));
  });

  it('that changes nothing appends nothing', async () => {
    const { appended, position } = await bench.run('Mine', { decide: async () => ({ drafts: [], from: 0 }) });
    expect({ appended, position, appends: bench.log.appends }).toEqual({
      appended: [],
      position: undefined,
      appends: 0,
    });
  });

  it('that is refused appends nothing, and its refusal is passed on', async () => {
    const refusal = new Error('No');
    await expect(bench.run('Mine', { decide: () => Promise.reject(refusal) })).rejects.toBe(refusal);
    expect(bench.log.appends).toBe(0);
  });

  it('on a stream expected to be new reads only after a conflict', async () => {
    await bench.run('Mine', { expectNew: true });
    expect(bench.log.reads).toBe(0);
    await bench.run('Mine', { expectNew: true });
    expect(bench.log.reads).toBe(1);
    expect(bench.decisions).toEqual([0, 0, 1]);
    expect(bench.written).toEqual(['Mine', 'Mine']);
  });

  it('that meets others is decided anew each time from what they have written, and lands behind them', async () => {
    bench.log.onAppend.push('another is faster', 'another is faster', 'another is faster');
    const { decision } = await bench.run('Mine');
    expect(bench.decisions).toEqual([0, 1, 2, 3]);
    expect(decision.from).toBe(3);
    expect(bench.written).toEqual(['Rival', 'Rival', 'Rival', 'Mine']);
    expectChain(bench.log.stream(STREAM));
  });

  it('whose place was taken while its own answer was lost is decided anew', async () => {
    bench.log.onAppend.push('the request is lost', 'another is faster');
    await bench.run('Mine');
    expect(bench.decisions).toEqual([0, 1]);
    expect(bench.written).toEqual(['Rival', 'Mine']);
  });

  it('whose answer was lost after it landed is not decided anew, also when the log no longer knows it', async () => {
    bench.log.forgetful = true;
    bench.log.onAppend.push('the answer is lost', 'another is faster');
    const { appended, position } = await bench.run('Mine');
    expect(bench.decisions).toEqual([0]);
    expect(bench.written).toEqual(['Mine', 'Rival']);
    expect(appended[0]?.id).toBe(bench.log.stream(STREAM)[0]?.id);
    expect(position).toBe(bench.log.stream(STREAM)[0]?.position);
  });

  it('that finds its history outdated reads it again', async () => {
    const { decision } = await bench.run('Mine', {
      decide: async (history) => {
        if (history.length > 0) return bench.decide('Mine', history);
        await bench.log.rivalAppends(STREAM);
        throw new HistoryMovedOn();
      },
    });
    expect(decision.from).toBe(1);
  });
});

describe('A command that can not be carried out within its budget', () => {
  it('was not done when others are faster to the end', async () => {
    const { clock, log } = bench;
    log.otherwise = () => {
      clock.time += HANG_MS;
      return 'another is faster';
    };
    const deadline = clock.now() + RESERVE_MS + 4 * HANG_MS;
    await expect(bench.run('Mine')).rejects.toBeInstanceOf(StoreUnavailable);
    expect(clock.now()).toBeLessThanOrEqual(deadline);
    expect(bench.written).not.toContain('Mine');
  });

  it('was not done when the store is down, for reading or for appending', async () => {
    bench.log.onRead.push('the store is down');
    await expect(bench.run('Mine')).rejects.toBeInstanceOf(StoreUnavailable);
    bench.log.onAppend.push('the store is down');
    await expect(bench.run('Mine')).rejects.toBeInstanceOf(StoreUnavailable);
    expect(bench.written).toEqual([]);
  });

  it('was not done when the read does not come back', async () => {
    bench.log.onRead.push('hangs for ever');
    const { clock } = bench;
    await expect(bench.run('Mine', { deadline: clock.now() + HANG_MS })).rejects.toBeInstanceOf(StoreUnavailable);
    expect(bench.log.appends).toBe(0);
  });

  it.each<Fault>(['hangs for ever', 'hangs after writing', 'the request is lost'])(
    'is reported as unknown when the log does not tell, and is not decided anew: %s',
    async (fault) => {
      const { clock } = bench;
      bench.log.otherwise = () => {
        clock.time += HANG_MS;
        return fault;
      };
      const deadline = clock.now() + RESERVE_MS + 4 * HANG_MS;
      await expect(bench.run('Mine')).rejects.toBeInstanceOf(OutcomeUnknown);
      expect(clock.now()).toBeLessThanOrEqual(deadline);
      expect(bench.decisions).toEqual([0]);
      expect(bench.written.length).toBeLessThanOrEqual(1);
    },
  );
});

describe('Many commands on one stream, on a log that fails in every way', () => {
  const faults = fc.constantFrom<Fault>(
    'none',
    'none',
    'the answer is lost',
    'the request is lost',
    'hangs after writing',
    'lands late',
    'the store is down',
    'another is faster',
  );

  it(
    'are each done once when they say so, not at all when refused, and at most once when unknown',
    async () => {
      const property = fc.asyncProperty(
        fc.array(faults, { maxLength: 12 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 5 }),
        async (onAppend, forgetful, writers) => {
          bench = new Bench();
          const { log, run } = await outcomes(onAppend, forgetful, writers);
          for (const [writer, outcome] of run.entries()) {
            const times = bench.written.filter((type) => type === `By ${String(writer)}`).length;
            if (outcome === 'done') expect(times).toBe(1);
            else if (outcome === 'unknown') expect(times).toBeLessThanOrEqual(1);
            else expect(times).toBe(0);
          }
          expectChain(log.stream(STREAM));
        },
      );
      await fc.assert(property, { seed: seed(), numRuns: scale(25, 1_000) });
    },
    scale(60_000, 3_600_000),
  );

  async function outcomes(onAppend: readonly Fault[], forgetful: boolean, writers: number) {
    const { log } = bench;
    log.onAppend.push(...onAppend);
    log.forgetful = forgetful;
    const commands = Array.from({ length: writers }, (_, writer) => bench.run(`By ${String(writer)}`));
    const run = await Promise.all(commands.map((command) => command.then(() => 'done' as const, outcomeOf)));
    const late = performance.now() + 3 * HANG_MS;
    if (onAppend.includes('lands late')) await until(() => performance.now() > late);
    return { log, run };
  }

  function outcomeOf(error: unknown): 'unknown' | 'refused' {
    if (error instanceof OutcomeUnknown) return 'unknown';
    expect(error).toBeInstanceOf(StoreUnavailable);
    return 'refused';
  }
});
