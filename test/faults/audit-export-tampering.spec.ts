import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportBundle, type ExportFilter } from '../../src/audit/export-bundle.js';
import { readNote, writeVerifierKey } from '../../src/audit/checkpoint-note.js';
import { anAuditedWorld, type AuditedWorld } from '../support/audited-world.js';
import { CopiedLog, CopiedViews } from '../support/copied-audit.js';
import { scale } from '../support/scale.js';
import { seed } from '../support/seed.js';
import { chanceFrom, type Tampered, TAMPERINGS, tamperings } from './audit-tamperings.js';
import { type Result, verifyExport } from '../../tools/verify-export.mjs';

let world: AuditedWorld;
let folder: string;
beforeAll(async () => {
  world = await anAuditedWorld();
  folder = mkdtempSync(join(tmpdir(), 'audit-export-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const outside = (): string[] => world.checkpoints.map(({ note }) => note);
const keys = (): string[] => world.keysOf(readNote(outside()[0]!).origin).map(writeVerifierKey);

async function exported(copy: Omit<Tampered, 'how' | 'named'>, filter: ExportFilter = {}): Promise<string> {
  const bundle = join(folder, crypto.randomUUID());
  const checkpoint = (await copy.tree.latestCheckpoint())!;
  await exportBundle({
    store: new CopiedLog(copy.events, copy.unreadable),
    tree: copy.tree,
    views: new CopiedViews(copy.views),
    filter,
    checkpoint: () => Promise.resolve({ checkpoint, withinLog: true }),
    keys: keys(),
    held: world.checkpoints.map(({ note }) => readNote(note)),
    projected: world.log.events.at(-1)?.position,
    folder: bundle,
    verifier: 'tools/verify-export.mjs',
    madeAt: 0,
    onProgress: () => undefined,
  });
  return bundle;
}

/**
 * The same without the service: what whoever tampers with a bundle leaves behind, sums and all. Files that are as they
 * were are not written again.
 */
class Bundles {
  private readonly bundle = join(folder, 'tampered');
  private readonly manifest: Readonly<Record<'events' | 'leaves' | 'views', object>>;
  private readonly texts = new Map<string, string>();
  private readonly made = new WeakMap<object, string>();

  constructor(sound: string) {
    mkdirSync(this.bundle);
    this.manifest = JSON.parse(readFileSync(join(sound, 'manifest.json'), 'utf8'));
  }

  write({ events, views, tree, unreadable }: Tampered): string {
    const lines = events.map((event) => this.line(event).slice(0, unreadable?.has(event.id) ? -1 : undefined));
    const shown = views.map((view) => this.line(view, ({ emailIndex: _, ...rest }) => rest));
    const leaves = tree.kept.map((leaf) =>
      this.line(leaf, ({ entry, eventId: id, stream, revision }) => ({
        hash: Buffer.from(entry).toString('hex'),
        ...{ id, stream, revision },
      })),
    );
    this.put('checkpoint.txt', tree.checkpoints.at(-1)!.note);
    const manifest = {
      ...this.manifest,
      events: this.lines('events.jsonl', lines),
      leaves: this.lines('leaves.jsonl', leaves),
      views: { ...this.manifest.views, ...this.lines('views.jsonl', shown) },
    };
    this.put('manifest.json', JSON.stringify(manifest));
    return this.bundle;
  }

  private line<T extends object>(value: T, shown: (value: T) => object = (same) => same): string {
    const known = this.made.get(value) ?? JSON.stringify(shown(value));
    this.made.set(value, known);
    return known;
  }

  private lines(file: string, lines: readonly string[]): object {
    const text = lines.map((line) => `${line}\n`).join('');
    this.put(file, text);
    return { file, count: lines.length, sha256: createHash('sha256').update(text).digest('hex') };
  }

  private put(file: string, text: string): void {
    if (this.texts.get(file) === text) return;
    writeFileSync(join(this.bundle, file), text);
    this.texts.set(file, text);
  }
}

const whole = () => ({ events: world.log.events, views: world.views, tree: world.tree() });
const check = (bundle: string): Promise<Result> => verifyExport(bundle, { keys: keys(), checkpoints: outside() });

function names({ findings }: Result, { named, isRange }: Tampered): boolean {
  if (isRange !== true)
    return findings.some(({ eventId = '', stream = '' }) => [eventId, stream].some((name) => named.includes(name)));
  const victim = world.log.events.findIndex(({ id }) => id === named[0]);
  const from = Math.max(0, ...world.checkpoints.map(({ size }) => size).filter((size) => size <= victim));
  return findings.find(({ what }) => what === 'rewritten')?.eventId === world.log.events[from]!.id;
}

describe('the separate verifier', () => {
  it('finds nothing in an export of what was left as it is', async () => {
    const result = await check(await exported(whole()));
    expect(result).toEqual({ verdict: 'sound', findings: [], notes: [], events: world.log.events.length });
  });

  it.each([
    ['of one customer', { customerId: 'c1' }],
    ['of a time', { from: 0, to: Date.UTC(2100, 0) }],
  ])('finds nothing in a selection %s, and says what that shows', async (_, filter) => {
    const { verdict, findings, events, notes } = await check(await exported(whole(), filter));
    expect({ verdict, findings }).toEqual({ verdict: 'sound', findings: [] });
    expect(events).toBeGreaterThan(2);
    expect(notes.join()).toContain('not that nothing was left out');
  });

  it('says that keys of the export itself prove nothing, and what no outside checkpoint covers', async () => {
    const { verdict, notes } = await verifyExport(await exported(whole()));
    expect([verdict, notes.length]).toEqual(['sound', 2]);
  });

  const count = scale(2_000, 100_000);
  it(
    `finds each of ${String(count)} tamperings and names the event`,
    async () => {
      const missed: unknown[] = [];
      const bundles = new Bundles(await exported(whole()));
      let n = 0;
      for await (const tampered of tamperings(world, count)) {
        n += 1;
        // Of a log that is tampered with now and then, of a bundle else.
        const fromLog = n % 20 === 0 ? await exported(tampered) : undefined;
        const result = await check(fromLog ?? bundles.write(tampered));
        if (fromLog !== undefined) rmSync(fromLog, { recursive: true });
        if (result.verdict !== 'manipulation' || !names(result, tampered))
          missed.push({ how: tampered.how, named: tampered.named, result });
      }
      expect(missed.slice(0, 2)).toEqual([]);
    },
    scale(120_000, 7_200_000),
  );

  it('finds a changed event in a selection', async () => {
    const chance = chanceFrom(seed());
    for (let n = 0; n < 20; n += 1) {
      const { events, named, ...rest } = TAMPERINGS['a changed value with a hash that fits']!(world, chance);
      const victim = world.log.events.find(({ id }) => id === named[0])!;
      if (!victim.stream.startsWith('customer-')) continue;
      const result = await check(await exported({ ...rest, events }, { customerId: victim.stream.slice(9) }));
      expect(result).toMatchObject({ verdict: 'manipulation' });
      expect(result.findings.map(({ eventId }) => eventId)).toContain(victim.id);
    }
  });
});
