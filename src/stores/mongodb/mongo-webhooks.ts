import type { AnyBulkWriteOperation, Collection, Db, UpdateFilter } from 'mongodb';
import type { Attempt, Lane, LaneKey, LaneWork, SetBack } from '../../subscribers/webhooks/lane.js';
import type { WebhookEndpoint } from '../../subscribers/webhooks/webhook-endpoint.js';
import { type LanePage, Webhooks } from '../../subscribers/webhooks/webhooks.js';
import { againIfOvertaken, type CollectionPlan, writeUnordered } from './collections.js';
import type { MongoConnection } from './mongo-connection.js';
import {
  type EndpointDocument,
  ENDPOINTS,
  fromEndpointDocument,
  fromLaneDocument,
  type LaneDocument,
  laneId,
  LANES,
  toEndpointDocument,
} from './webhook-documents.js';

export const WEBHOOK_COLLECTIONS: readonly CollectionPlan[] = [ENDPOINTS, LANES];

/** Small enough for the time that an operation has. */
const CHUNK = 40;

type LaneWrite = AnyBulkWriteOperation<LaneDocument>;

/** In a database with {@link WEBHOOK_COLLECTIONS}. Each change is one operation on one document. */
export class MongoWebhooks extends Webhooks {
  constructor(private readonly connection: MongoConnection) {
    super();
  }

  override async add(endpoint: WebhookEndpoint): Promise<void> {
    await this.run((db) => endpointsOf(db).insertOne(toEndpointDocument(endpoint)));
  }

  override async find(id: string): Promise<WebhookEndpoint | undefined> {
    const found = await this.run((db) => endpointsOf(db).findOne({ _id: { $eq: id } }));
    return found === null ? undefined : fromEndpointDocument(found);
  }

  override async list(): Promise<readonly WebhookEndpoint[]> {
    const sort = { createdAt: 1, _id: 1 } as const;
    return (await this.run((db) => endpointsOf(db).find({}, { sort }).toArray())).map(fromEndpointDocument);
  }

  override async replace(endpoint: WebhookEndpoint, ifVersion: number): Promise<boolean> {
    const { _id, ...replacement } = toEndpointDocument(endpoint);
    const filter = { _id: { $eq: _id }, version: { $eq: ifVersion } };
    const { matchedCount } = await this.run((db) => endpointsOf(db).replaceOne(filter, replacement));
    return matchedCount === 1;
  }

  /** A lane that is noted at this moment, by who has read of the endpoint before, may stay. Nobody ever asks for it. */
  override async remove(id: string): Promise<boolean> {
    const { deletedCount } = await this.run((db) => endpointsOf(db).deleteOne({ _id: { $eq: id } }));
    await this.clear(id);
    return deletedCount === 1;
  }

  override async clear(endpointId: string): Promise<void> {
    await this.run((db) => lanesOf(db).deleteMany({ endpointId: { $eq: endpointId } }));
  }

  /**
   * First the end, then the waking: whoever finishes a lane in between either finds the new end, or is found to have
   * finished.
   */
  override async enqueue(work: readonly LaneWork[], at: number): Promise<void> {
    await this.inChunks(work, [
      ({ end, ...lane }) => upsert(lane, { $max: { end }, $setOnInsert: newLane(lane, at) }),
      ({ next, end, ...lane }) => ({
        updateOne: {
          filter: { _id: laneId(lane), state: { $eq: 'delivered' }, next: { $lt: end } },
          update: { $set: { state: 'waiting', dueAt: at }, $max: { next } },
        },
      }),
    ]);
  }

  override async rewind(work: readonly LaneWork[], replayId: string, at: number): Promise<void> {
    await this.inChunks(work, [
      ({ end, ...lane }) => upsert(lane, { $setOnInsert: { ...newLane(lane, at), end, replayId } }),
      ({ next, end, ...lane }) => ({
        updateOne: {
          filter: { _id: laneId(lane), replayId: { $ne: replayId } },
          update: {
            $min: { next },
            $max: { end },
            $set: { state: 'waiting', attempts: 0, dueAt: at, replayId },
            $unset: { failingSince: '' },
          },
        },
      }),
    ]);
  }

  override async restart(endpointId: string, state: 'retrying' | 'parked', at: number): Promise<void> {
    const update = { $set: { state: 'waiting', attempts: 0, dueAt: at }, $unset: { failingSince: '' } } as const;
    await this.run((db) => lanesOf(db).updateMany({ endpointId: { $eq: endpointId }, state: { $eq: state } }, update));
  }

  override async due(
    endpointId: string,
    state: 'waiting' | 'retrying',
    at: number,
    limit: number,
  ): Promise<readonly Lane[]> {
    const filter = { endpointId: { $eq: endpointId }, state: { $eq: state }, dueAt: { $lte: at } };
    const options = { sort: { dueAt: 1 }, limit } as const;
    return (await this.run((db) => lanesOf(db).find(filter, options).toArray())).map(fromLaneDocument);
  }

  override async advance(
    lane: LaneKey,
    from: number,
    next: number,
    at: number,
    last?: Attempt,
  ): Promise<'more' | 'delivered' | 'overtaken'> {
    const standing = { _id: laneId(lane), next: { $eq: from } };
    const to = (state: 'waiting' | 'delivered'): UpdateFilter<LaneDocument> => ({
      $set: { next, state, attempts: 0, dueAt: at, ...(last && { last }) },
      $unset: { failingSince: '' },
    });
    const atEnd = await this.updateLane({ ...standing, end: { $lte: next } }, to('delivered'));
    if (atEnd) return 'delivered';
    return (await this.updateLane(standing, to('waiting'))) ? 'more' : 'overtaken';
  }

  override setBack(lane: LaneKey, from: number, failure: SetBack): Promise<boolean> {
    return this.updateLane({ _id: laneId(lane), next: { $eq: from } }, { $set: failure });
  }

  override async lanes(endpointId: string, { state, after = '', limit }: LanePage): Promise<readonly Lane[]> {
    const filter = {
      endpointId: { $eq: endpointId },
      customerId: { $gt: after },
      ...(state !== undefined && { state: { $eq: state } }),
    };
    const options = { sort: { customerId: 1 }, limit } as const;
    return (await this.run((db) => lanesOf(db).find(filter, options).toArray())).map(fromLaneDocument);
  }

  override async health(): Promise<void> {
    await this.connection.ping('webhooks');
  }

  private async updateLane(filter: object, update: UpdateFilter<LaneDocument>): Promise<boolean> {
    return (await this.run((db) => lanesOf(db).updateOne(filter, update))).matchedCount === 1;
  }

  /** All of the first step, then all of the next: no lane twice in a batch. */
  private async inChunks(work: readonly LaneWork[], steps: readonly ((lane: LaneWork) => LaneWrite)[]): Promise<void> {
    for (let start = 0; start < work.length; start += CHUNK) {
      const chunk = work.slice(start, start + CHUNK);
      for (const step of steps)
        await this.run((db) => againIfOvertaken(() => writeUnordered(lanesOf(db), chunk.map(step))));
    }
  }

  private run<T>(work: (db: Db) => Promise<T>): Promise<T> {
    return this.connection.run('webhooks', work);
  }
}

const endpointsOf = (db: Db): Collection<EndpointDocument> => db.collection<EndpointDocument>(ENDPOINTS.name);
const lanesOf = (db: Db): Collection<LaneDocument> => db.collection<LaneDocument>(LANES.name);

const newLane = ({ endpointId, customerId, next }: Omit<LaneWork, 'end'>, at: number) => ({
  endpointId,
  customerId,
  next,
  state: 'waiting' as const,
  attempts: 0,
  dueAt: at,
});

const upsert = (lane: LaneKey, update: UpdateFilter<LaneDocument>): LaneWrite => ({
  updateOne: { filter: { _id: laneId(lane) }, update, upsert: true },
});
