import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { scale } from '../support/scale.js';
import { seed } from '../support/seed.js';
import { ErasureRun, IDS, type Step, type What } from './erasure-run.js';

/** How often each comes, of all steps. */
const WEIGHTS: readonly (readonly [What, number])[] = [
  ['create', 8],
  ['update', 8],
  ['disable', 1],
  ['forget', 3],
  ['withdraw', 1],
  ['erase', 7],
  ['delete', 6],
  ['read', 8],
  ['due', 2],
  ['project', 3],
  ['finish', 4],
  ['rotate', 2],
  ['rebuild', 1],
  ['later', 2],
  ['much later', 2],
  ['views fail', 1],
  ['crash', 4],
  ['back up views', 2],
  ['back up keys', 2],
  ['restore views', 2],
  ['restore keys', 2],
];

const stepOf = (kinds: typeof WEIGHTS): fc.Arbitrary<Step> =>
  fc.record({
    what: fc.oneof(...kinds.map(([what, weight]) => ({ weight, arbitrary: fc.constant(what) }))),
    id: fc.oneof({ weight: 6, arbitrary: fc.constant(IDS[0]) }, { weight: 1, arbitrary: fc.constant(IDS[1]) }),
    instance: fc.constantFrom(0, 1, 2),
    key: fc.nat(2),
    personal: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    reason: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
    calls: fc.nat(6),
  });
/** Few kinds in one run, others in the next: what takes five of one kind in a row would hardly ever come among all. */
const steps = fc
  .subarray([...WEIGHTS.slice(1)], { minLength: 3, maxLength: 9 })
  .chain((kinds) => fc.array(stepOf([...WEIGHTS.slice(0, 1), ...kinds]), { minLength: 4, maxLength: 12, size: 'max' }));
const pick = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(5) });
const picks = fc.array(pick, { minLength: 1, maxLength: 40, size: 'max' });

/** A reader held up between view and key, while the customer is deleted and begins a new life: it is not an erased one. */
const READ_ACROSS_LIVES: [Step[], number[]] = [
  [
    { what: 'create', id: 'a', instance: 0, key: 0, personal: true, calls: 3 },
    { what: 'delete', id: 'a', instance: 0, key: 0, personal: true, calls: 0 },
    { what: 'read', id: 'a', instance: 0, key: 0, personal: true, calls: 3 },
    { what: 'create', id: 'a', instance: 0, key: 0, personal: true, calls: 2 },
    { what: 'read', id: 'a', instance: 0, key: 0, personal: true, calls: 0 },
  ],
  [0, 0, 0, 0, 0, 0, 0, 2, 3, 3, 0, 0, 2],
];

/** The creation is refused, but on the way there its reason's text must not make a key that hides the loss of the first. */
const REASON_FOR_A_TAKEN_ID: [Step[], number[]] = [
  (
    [
      ['back up keys', true],
      ['create', true],
      ['project', true],
      ['restore keys', true],
      ['create', false],
    ] as const
  ).map(([what, personal]) => ({ what, id: 'a', instance: 0, key: 0, personal, reason: !personal, calls: 40 })),
  [0],
];

/** An erasure that finds another under way, appended and not yet in the view: to its client, too, it is done. */
const ERASED_MEANWHILE: [Step[], number[]] = [
  [
    { what: 'create', id: 'a', instance: 0, key: 0, personal: true, calls: 4 },
    { what: 'erase', id: 'a', instance: 0, key: 0, personal: true, calls: 2 },
    { what: 'erase', id: 'a', instance: 0, key: 0, personal: true, calls: 1 },
    { what: 'read', id: 'a', instance: 0, key: 0, personal: true, calls: 2 },
  ],
  [0],
];

/** The same with a change that is no erasure: what was answered is not to be unseen. */
const CHANGED_MEANWHILE: [Step[], number[]] = [
  ERASED_MEANWHILE[0].map((step) => (step.what === 'erase' ? { ...step, what: 'disable' } : step)),
  [0],
];

const EXAMPLES = [READ_ACROSS_LIVES, REASON_FOR_A_TAKEN_ID, ERASED_MEANWHILE, CHANGED_MEANWHILE];

/** `ERASURE_RUNS` for another number. */
const RUNS = Number(process.env['ERASURE_RUNS'] ?? scale(5_000, 1_000_000));

describe('In every order of what clients, processes, followers and operators do', () => {
  beforeEach(() => {
    // Jitter only spreads out in time what happens in every order here.
    jest.spyOn(Math, 'random').mockReturnValue(0);
    Logger.overrideLogger(false);
  });
  afterEach(() => {
    jest.restoreAllMocks();
    Logger.overrideLogger(['error', 'warn', 'log']);
  });

  it(
    'no erased customer comes back, and no living one is taken for erased',
    async () => {
      await fc.assert(
        fc.asyncProperty(steps, picks, (all, order) => new ErasureRun(order).play(all)),
        { numRuns: RUNS, seed: seed(), examples: EXAMPLES },
      );
    },
    scale(180_000, 8 * 3_600_000),
  );
});
