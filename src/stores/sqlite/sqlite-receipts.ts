import type { Position } from '../../event-sourcing/event-store.js';
import { type NotedErasure, Receipts, type ToldSubscriber } from '../../privacy/receipts.js';
import type { KeyRef } from '../../privacy/subject-keys.js';
import type { Change, Query } from './connection.js';
import type { SqliteDatabase } from './database.js';
import { CHECKSUM_TRIGGER, type CheckedTable, requireIntact, rowChecksum } from './row-checksums.js';

export const RECEIPTS: CheckedTable = {
  name: 'receipts',
  key: ['subject', 'revision'],
  columns: ['subject', 'revision', 'at', 'position', 'receipt'],
};

export const RECEIPTS_SCHEMA = `
  CREATE TABLE receipts (
    subject TEXT NOT NULL,
    revision INTEGER NOT NULL,
    at INTEGER NOT NULL,
    position TEXT NOT NULL,
    receipt TEXT,
    checksum INTEGER,
    PRIMARY KEY (subject, revision)
  ) WITHOUT ROWID;
  ${CHECKSUM_TRIGGER(RECEIPTS)};
  CREATE INDEX receipts_pending ON receipts (at, subject, revision) WHERE receipt IS NULL;
  CREATE TABLE told (
    subject TEXT NOT NULL,
    revision INTEGER NOT NULL,
    webhook_id TEXT NOT NULL,
    told_at INTEGER NOT NULL,
    acknowledged_at INTEGER,
    PRIMARY KEY (subject, revision, webhook_id)
  ) WITHOUT ROWID`;

type ReceiptRow = readonly [
  subject: string,
  revision: number,
  at: number,
  position: string,
  receipt: string | null,
  checksum: number | null,
];
const SELECT = `SELECT ${RECEIPTS.columns.join(', ')}, checksum FROM receipts`;

/** @throws RowDamaged */
function intact(row: ReceiptRow): ReceiptRow {
  requireIntact(RECEIPTS.name, row.slice(0, -1), row[5]);
  return row;
}

type ToldRow = readonly [webhookId: string, toldAt: number, acknowledgedAt: number | null];

const TELL = `
  INSERT INTO told VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    told_at = min(told_at, excluded.told_at),
    acknowledged_at = coalesce(min(acknowledged_at, excluded.acknowledged_at), acknowledged_at, excluded.acknowledged_at)`;

/** In a database made with {@link RECEIPTS_SCHEMA}. */
export class SqliteReceipts extends Receipts {
  private readonly insert: Change;
  private readonly give: Change;
  private readonly clear: Change;
  private readonly tell: Change;
  private readonly standing: Query<ReceiptRow>;

  constructor(private readonly database: SqliteDatabase) {
    super();
    const { writer } = database;
    this.insert = writer.change('INSERT INTO receipts VALUES (?, ?, ?, ?, NULL, ?) ON CONFLICT DO NOTHING');
    this.give = writer.change('UPDATE receipts SET receipt = ?, checksum = ? WHERE subject = ? AND revision = ?');
    this.clear = writer.change('DELETE FROM receipts WHERE receipt IS NULL');
    this.tell = writer.change(TELL);
    this.standing = writer.query(`${SELECT} WHERE subject = ? AND revision = ?`);
  }

  override async note(erasures: readonly NotedErasure[]): Promise<void> {
    if (erasures.length === 0) return;
    await this.database.write(() => () => {
      for (const { ref, at, position } of erasures) {
        const row = [ref.subject, ref.revision, at, position] as const;
        this.insert.run(...row, rowChecksum([...row, null]));
      }
    });
  }

  override async pending(limit: number, after?: NotedErasure): Promise<readonly NotedErasure[]> {
    const query = this.database.reader.query<ReceiptRow>(
      `${SELECT} WHERE receipt IS NULL AND (at, subject, revision) > (?, ?, ?) ORDER BY at, subject, revision LIMIT ?`,
    );
    const from = [after?.at ?? -1, after?.ref.subject ?? '', after?.ref.revision ?? 0];
    const rows = await this.database.read(() => query.all(...from, limit));
    return rows.map(intact).map(([subject, revision, at, position]) => ({
      ref: { subject, revision },
      at,
      position: position as Position,
    }));
  }

  override async clearPending(): Promise<void> {
    await this.database.write(() => () => this.clear.run());
  }

  override issue({ subject, revision }: KeyRef, receipt: string): Promise<string> {
    return this.database.write(() => {
      const row = this.standing.get(subject, revision);
      if (row === undefined) throw new RangeError('A receipt for an erasure that was never noted');
      const [, , at, position, standing] = intact(row);
      if (standing !== null) return () => standing;
      return () => {
        this.give.run(receipt, rowChecksum([subject, revision, at, position, receipt]), subject, revision);
        return receipt;
      };
    });
  }

  override async find({ subject, revision }: KeyRef): Promise<string | undefined> {
    const query = this.database.reader.query<ReceiptRow>(`${SELECT} WHERE subject = ? AND revision = ?`);
    const row = await this.database.read(() => query.get(subject, revision));
    return row && (intact(row)[4] ?? undefined);
  }

  override async told({ subject, revision }: KeyRef, webhookId: string, at: number): Promise<void> {
    await this.database.write(() => () => this.tell.run(subject, revision, webhookId, at, null));
  }

  override async acknowledged({ subject, revision }: KeyRef, webhookId: string, at: number): Promise<void> {
    await this.database.write(() => () => this.tell.run(subject, revision, webhookId, at, at));
  }

  override async subscribers({ subject, revision }: KeyRef): Promise<readonly ToldSubscriber[]> {
    const query = this.database.reader.query<ToldRow>(
      `SELECT webhook_id, told_at, acknowledged_at FROM told WHERE subject = ? AND revision = ?
       ORDER BY told_at, webhook_id`,
    );
    return (await this.database.read(() => query.all(subject, revision))).map(
      ([webhookId, toldAt, acknowledgedAt]) => ({
        webhookId,
        toldAt,
        ...(acknowledgedAt !== null && { acknowledgedAt }),
      }),
    );
  }

  override health(): Promise<void> {
    return this.database.health();
  }
}
