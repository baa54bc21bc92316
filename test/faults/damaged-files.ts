import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AUDIT_PREFIX } from '../../src/audit/audit-events.js';
import { MalformedEvent } from '../../src/event-sourcing/envelope.js';
import type { RecordedEvent } from '../../src/event-sourcing/event-store.js';
import { StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import { FileUnusable } from '../../src/stores/sqlite/unusable-file.js';
import { openSqliteStores, type SqliteStores } from '../../src/stores/sqlite/sqlite-stores.js';
import type { Random } from './crash-random.js';

export interface Damage {
  readonly file: string;
  /** As a sentence tells it. */
  readonly what: string;
  readonly bytes: Buffer;
}

const PAGE = 4096;

/** A stopped data folder that can be had again as it was. */
export class StoppedFolder {
  private readonly files: ReadonlyMap<string, Buffer>;
  readonly databases: readonly string[];

  constructor(private readonly folder: string) {
    const names = readdirSync(folder).filter((name) => !/-(wal|shm)$/.test(name));
    this.files = new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
    this.databases = names.filter((name) => name.endsWith('.db'));
  }

  /** @param marked false: without the mark of a clean stop, as after a crash */
  restore(marked: boolean): void {
    for (const name of readdirSync(this.folder)) if (!this.files.has(name)) rmSync(join(this.folder, name));
    for (const [name, bytes] of this.files) writeFileSync(join(this.folder, name), bytes);
    if (!marked) rmSync(join(this.folder, 'stopped.json'), { force: true });
  }

  /** @param page from 1 */
  zeroed(file: string, page: number): Damage {
    const bytes = Buffer.from(this.files.get(file) ?? []);
    bytes.fill(0, (page - 1) * PAGE, page * PAGE);
    return { file, what: `page ${page} of ${bytes.length / PAGE} zeroed`, bytes };
  }

  damage(random: Random): Damage {
    const file = random.pick(this.databases);
    const whole = this.files.get(file) ?? Buffer.alloc(0);
    const dice = random.between(1, 20);
    if (dice === 1) {
      const length = random.between(0, whole.length - 1);
      return { file, what: `cut to ${length} of ${whole.length} bytes`, bytes: whole.subarray(0, length) };
    }
    if (dice <= 3) return this.zeroed(file, random.between(1, whole.length / PAGE));
    const bytes = Buffer.from(whole);
    const at = random.between(0, whole.length - 1);
    const value = random.chance(0.5) ? random.between(0, 255) : (bytes[at] ?? 0) ^ (1 << random.between(0, 7));
    const what = `byte ${at} from ${bytes[at]} to ${value}`;
    bytes[at] = value;
    return { file, what, bytes };
  }

  apply({ file, bytes }: Damage): void {
    writeFileSync(join(this.folder, file), bytes);
  }
}

/** What each question was answered, as text. */
export type Answers = ReadonlyMap<string, string>;

/** Asks the stores of the folder all that can be asked. @throws FileUnusable the start is refused */
export async function askAll(dataDir: string): Promise<Answers> {
  const stores = await openSqliteStores({ dataDir });
  try {
    return await askStores(stores);
  } finally {
    await stores.close();
  }
}

const ALTERED = 'altered';

/** What is told as unreadable is in the place of an event, whatever stands in its columns. */
const told = (events: readonly RecordedEvent[]): readonly unknown[] =>
  events.map((event) => (event.unreadable === true ? ALTERED : event));

const UNKNOWN = 'an error that no answer is made for: ';
const isAllowed = (answer: string | undefined, before: string): boolean =>
  answer === before || answer === ALTERED || answer === 'unavailable' || isSameButForAltered(answer, before);

function isSameButForAltered(answer: string | undefined, before: string): boolean {
  if (answer === undefined || !answer.startsWith('[') || !before.startsWith('[')) return false;
  const [after, standing] = [JSON.parse(answer) as unknown[], JSON.parse(before) as unknown[]];
  return (
    after.length === standing.length &&
    after.every((part, at) => part === ALTERED || JSON.stringify(part) === JSON.stringify(standing[at]))
  );
}

async function askStores(stores: SqliteStores): Promise<Answers> {
  const { eventStore, customerViews, subjectKeys, apiKeys, webhooks, auditTree, receipts } = stores;
  const answers = new Map<string, string>();
  const ask = async (name: string, question: () => Promise<unknown>): Promise<void> => {
    answers.set(name, await question().then(textOf, failureOf));
  };
  for (let n = 0; n < 30; n += 1) {
    const id = `c${n}`;
    await ask(`events of ${id}`, async () => told(await eventStore.read(`customer-${id}`)));
    await ask(`view of ${id}`, () => customerViews.get(id));
    await ask(`key of ${id}`, () => subjectKeys.find({ subject: id, revision: 1 }));
    await ask(`receipt of ${id}`, () => receipts.find({ subject: id, revision: 1 }));
  }
  await ask('events of the audit', async () => told(await eventStore.read(`${AUDIT_PREFIX}queries`)));
  await ask('all events', async () => {
    const end = new AbortController();
    const events: RecordedEvent[] = [];
    for await (const message of eventStore.subscribe({ signal: end.signal })) {
      if (message.kind === 'event') events.push(message.event);
      if (message.kind === 'caught_up') end.abort();
    }
    return told(events);
  });
  await ask('list', () => customerViews.list({}, 100));
  await ask('list of those who asked to be forgotten', () => customerViews.list({ requestToBeForgotten: true }, 100));
  await ask('ids', () => customerViews.ids(undefined, 100));
  await ask('due', () => customerViews.dueForErasure(4e12, 100));
  for (const [name, checkpoints] of Object.entries({
    views: stores.checkpoints,
    keys: stores.keyCheckpoints,
    webhooks: stores.webhookCheckpoints,
    audit: stores.auditCheckpoints,
    receipts: stores.receiptCheckpoints,
  }))
    for (const follower of ['customers-1', 'sources', 'erasures', 'webhooks', 'audit-tree', 'receipts'])
      await ask(`checkpoint of ${follower} beside the ${name}`, () => checkpoints.load(follower));
  await ask('API keys', () => apiKeys.list());
  await ask('webhooks', () => webhooks.list());
  await ask('leaves', () => auditTree.leaves(0, 1000));
  await ask('size', () => auditTree.size());
  await ask('tree', () => auditTree.id());
  await ask('checkpoint', () => auditTree.latestCheckpoint());
  await ask('log', () => eventStore.logId());
  return answers;
}

const textOf = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => (part instanceof Map ? [...part] : part)) ?? 'undefined';

function failureOf(error: unknown): string {
  if (error instanceof StoreUnavailable) return 'unavailable';
  if (error instanceof MalformedEvent) return ALTERED;
  return `${UNKNOWN}${error instanceof Error ? (error.stack ?? '') : String(error)}`;
}

/** What was answered otherwise than before the damage, and is neither refused nor told as altered. */
export async function wrongAnswers(dataDir: string, file: string, before: Answers): Promise<readonly string[]> {
  let after: Answers;
  try {
    after = await askAll(dataDir);
  } catch (error) {
    if (error instanceof FileUnusable && error.message.includes(file)) return [];
    return [`the start: ${failureOf(error)}`];
  }
  return [...before]
    .filter(([name, answer]) => !isAllowed(after.get(name), answer))
    .map(([name, answer]) => `${name}: ${after.get(name)?.slice(0, 400)} instead of ${answer.slice(0, 400)}`);
}
