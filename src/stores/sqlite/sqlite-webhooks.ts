import type { Attempt, Lane, LaneKey, LaneWork, SetBack } from '../../subscribers/webhooks/lane.js';
import type { WebhookEndpoint } from '../../subscribers/webhooks/webhook-endpoint.js';
import { type LanePage, Webhooks } from '../../subscribers/webhooks/webhooks.js';
import type { Change, Query } from './connection.js';
import type { SqliteDatabase } from './database.js';
import { CHECKSUM_TRIGGER, rowChecksum } from './row-checksums.js';
import {
  ENDPOINTS,
  type EndpointRow,
  fromEndpointRow,
  fromLaneRow,
  type LaneRow,
  SELECT_ENDPOINT,
  SELECT_LANE,
  toDocument,
} from './webhook-rows.js';

export const WEBHOOKS_SCHEMA = `
  CREATE TABLE endpoints (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    checksum INTEGER
  );
  ${CHECKSUM_TRIGGER(ENDPOINTS)};
  CREATE TABLE lanes (
    endpoint_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    next INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    failing_since INTEGER,
    last_at INTEGER,
    last_outcome TEXT,
    last_status INTEGER,
    replay_id TEXT,
    PRIMARY KEY (endpoint_id, customer_id)
  ) WITHOUT ROWID;
  CREATE INDEX lanes_due ON lanes (endpoint_id, state, due_at)`;

/** So many rows are written in one go, lest the requests of the same thread wait. */
const CHUNK = 500;

/** A lane of an endpoint that is not there is not made: whoever noted it had read of the endpoint before it was removed. */
const NOTE = `
  INSERT INTO lanes (endpoint_id, customer_id, next, "end", state, attempts, due_at, replay_id)
  SELECT ?, ?, ?, ?, 'waiting', 0, ?, ? FROM endpoints WHERE id = ?
  ON CONFLICT DO UPDATE SET`;
const ENQUEUE = `${NOTE}
    next = iif(state = 'delivered', max(next, excluded.next), next),
    due_at = iif(state = 'delivered', excluded.due_at, due_at),
    state = iif(state = 'delivered', 'waiting', state),
    "end" = excluded."end"
  WHERE excluded."end" > lanes."end"`;
const REWIND = `${NOTE}
    next = min(next, excluded.next),
    "end" = max(lanes."end", excluded."end"),
    state = 'waiting', attempts = 0, due_at = excluded.due_at, failing_since = NULL, replay_id = excluded.replay_id
  WHERE lanes.replay_id IS NOT excluded.replay_id`;
const ADVANCE = `
  UPDATE lanes SET next = ?, state = iif("end" <= ?, 'delivered', 'waiting'), attempts = 0, due_at = ?, failing_since = NULL,
    last_at = coalesce(?, last_at), last_outcome = coalesce(?, last_outcome), last_status = coalesce(?, last_status)
  WHERE endpoint_id = ? AND customer_id = ?`;
const SET_BACK = `
  UPDATE lanes SET state = ?, attempts = ?, due_at = ?, failing_since = ?, last_at = ?, last_outcome = ?, last_status = ?
  WHERE endpoint_id = ? AND customer_id = ? AND next = ?`;

/** In a database made with {@link WEBHOOKS_SCHEMA}. */
export class SqliteWebhooks extends Webhooks {
  private readonly insert: Change;
  private readonly update: Change;
  private readonly delete: Change;
  private readonly deleteLanes: Change;
  private readonly enqueueLane: Change;
  private readonly rewindLane: Change;
  private readonly restartLanes: Change;
  private readonly advanceLane: Change;
  private readonly setBackLane: Change;
  private readonly standing: Query<[next: number, end: number]>;

  constructor(private readonly database: SqliteDatabase) {
    super();
    const { writer } = database;
    this.insert = writer.change('INSERT INTO endpoints (id, version, document, checksum) VALUES (?, ?, ?, ?)');
    this.update = writer.change(
      'UPDATE endpoints SET version = ?, document = ?, checksum = ? WHERE id = ? AND version = ?',
    );
    this.delete = writer.change('DELETE FROM endpoints WHERE id = ?');
    this.deleteLanes = writer.change(
      `DELETE FROM lanes WHERE endpoint_id = ? AND customer_id IN
         (SELECT customer_id FROM lanes WHERE endpoint_id = ? LIMIT ${CHUNK})`,
    );
    this.enqueueLane = writer.change(ENQUEUE);
    this.rewindLane = writer.change(REWIND);
    this.restartLanes = writer.change(
      `UPDATE lanes SET state = 'waiting', attempts = 0, due_at = ?, failing_since = NULL
       WHERE endpoint_id = ? AND state = ?`,
    );
    this.advanceLane = writer.change(ADVANCE);
    this.setBackLane = writer.change(SET_BACK);
    this.standing = writer.query('SELECT next, "end" FROM lanes WHERE endpoint_id = ? AND customer_id = ?');
  }

  override async add(endpoint: WebhookEndpoint): Promise<void> {
    const { id, version } = endpoint;
    const row = [id, version, toDocument(endpoint)] as const;
    await this.database.write(() => () => this.insert.run(...row, rowChecksum(row)));
  }

  override async find(id: string): Promise<WebhookEndpoint | undefined> {
    const query = this.database.reader.query<EndpointRow>(`${SELECT_ENDPOINT} WHERE id = ?`);
    const row = await this.database.read(() => query.get(id));
    return row && fromEndpointRow(row);
  }

  override async list(): Promise<readonly WebhookEndpoint[]> {
    const query = this.database.reader.query<EndpointRow>(`${SELECT_ENDPOINT} ORDER BY number`);
    return (await this.database.read(() => query.all())).map(fromEndpointRow);
  }

  override replace(endpoint: WebhookEndpoint, ifVersion: number): Promise<boolean> {
    const { id, version } = endpoint;
    const document = toDocument(endpoint);
    const sum = rowChecksum([id, version, document]);
    return this.database.write(() => () => this.update.run(version, document, sum, id, ifVersion).changes > 0);
  }

  override async remove(id: string): Promise<boolean> {
    const removed = await this.database.write(() => () => this.delete.run(id).changes > 0);
    await this.clear(id);
    return removed;
  }

  override async clear(endpointId: string): Promise<void> {
    let left = true;
    while (left) {
      left = await this.database.write(() => () => this.deleteLanes.run(endpointId, endpointId).changes > 0);
    }
  }

  override enqueue(work: readonly LaneWork[], at: number): Promise<void> {
    return this.note(this.enqueueLane, work, at, null);
  }

  override rewind(work: readonly LaneWork[], replayId: string, at: number): Promise<void> {
    return this.note(this.rewindLane, work, at, replayId);
  }

  override async restart(endpointId: string, state: 'retrying' | 'parked', at: number): Promise<void> {
    await this.database.write(() => () => this.restartLanes.run(at, endpointId, state));
  }

  override async due(
    endpointId: string,
    state: 'waiting' | 'retrying',
    at: number,
    limit: number,
  ): Promise<readonly Lane[]> {
    const query = this.database.reader.query<LaneRow>(
      `${SELECT_LANE} WHERE endpoint_id = ? AND state = ? AND due_at <= ? ORDER BY due_at LIMIT ?`,
    );
    return (await this.database.read(() => query.all(endpointId, state, at, limit))).map(fromLaneRow);
  }

  override advance(
    { endpointId, customerId }: LaneKey,
    from: number,
    next: number,
    at: number,
    last?: Attempt,
  ): Promise<'more' | 'delivered' | 'overtaken'> {
    return this.database.write(() => {
      const [standing, end = 0] = this.standing.get(endpointId, customerId) ?? [];
      if (standing !== from) return () => 'overtaken';
      const attempt = [last?.at ?? null, last?.outcome ?? null, last?.status ?? null];
      return () => {
        this.advanceLane.run(next, next, at, ...attempt, endpointId, customerId);
        return end <= next ? 'delivered' : 'more';
      };
    });
  }

  override setBack({ endpointId, customerId }: LaneKey, from: number, failure: SetBack): Promise<boolean> {
    const { state, attempts, dueAt, failingSince, last } = failure;
    const values = [state, attempts, dueAt, failingSince, last.at, last.outcome, last.status ?? null];
    return this.database.write(() => () => this.setBackLane.run(...values, endpointId, customerId, from).changes > 0);
  }

  override async lanes(endpointId: string, { state, after = '', limit }: LanePage): Promise<readonly Lane[]> {
    const query = this.database.reader.query<LaneRow>(
      `${SELECT_LANE} WHERE endpoint_id = ? AND customer_id > ? AND (? IS NULL OR state = ?) ORDER BY customer_id LIMIT ?`,
    );
    const wanted = state ?? null;
    return (await this.database.read(() => query.all(endpointId, after, wanted, wanted, limit))).map(fromLaneRow);
  }

  override health(): Promise<void> {
    return this.database.health();
  }

  private async note(lane: Change, work: readonly LaneWork[], at: number, replayId: string | null): Promise<void> {
    for (let start = 0; start < work.length; start += CHUNK) {
      const chunk = work.slice(start, start + CHUNK);
      await this.database.write(() => () => {
        for (const { endpointId, customerId, next, end } of chunk) {
          lane.run(endpointId, customerId, next, end, at, replayId, endpointId);
        }
      });
    }
  }
}
