import type { Document, IndexDescription } from 'mongodb';
import { SINGLE_FIELDS } from '../../customers/domain/fields.js';
import type { CustomerView } from '../../customers/read-model/customer-view.js';
import type { CollectionPlan } from './collections.js';

/** A view, and beside it what lists look up. Replaced as a whole: nothing of an older version stays. */
export interface CustomerDocument {
  readonly _id: string;
  readonly version: number;
  readonly listed: boolean;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly requested: boolean;
  readonly emailIndex?: string;
  readonly forgetDueMs?: number;
  readonly view: CustomerView;
}

export function nameOf(generation: number): string {
  if (!Number.isSafeInteger(generation) || generation < 1) throw new RangeError('No generation has this number');
  return `customers_${generation}`;
}

/** @returns undefined for a collection of something else */
export function generationIn(name: string): number | undefined {
  const digits = /^customers_([1-9][0-9]*)$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * All indexes of lists lead with `listed`, so that the stubs of deleted customers are not in their way, and end in the order
 * of the pages. `updatedMs` stands in the first one so that a filter on it need not visit the documents it refuses.
 */
export const INDEX = {
  ids: '_id_',
  created: 'created',
  email: 'email',
  requested: 'requested',
  updated: 'updated',
  due: 'due',
} as const;

const INDEXES: readonly IndexDescription[] = [
  { name: INDEX.created, key: { listed: 1, createdMs: 1, _id: 1, updatedMs: 1 } },
  { name: INDEX.email, key: { listed: 1, emailIndex: 1, createdMs: 1, _id: 1 } },
  { name: INDEX.requested, key: { listed: 1, requested: 1, createdMs: 1, _id: 1 } },
  { name: INDEX.updated, key: { listed: 1, updatedMs: 1 } },
  { name: INDEX.due, key: { forgetDueMs: 1, _id: 1 } },
];

const sealed: Document = {
  bsonType: 'object',
  required: ['sealed'],
  properties: { sealed: { bsonType: 'string', pattern: '^[A-Za-z0-9_-]*$' } },
  additionalProperties: false,
};

/**
 * A personal value can only stand here sealed. Fields that are not named pass: the release after this one may add some
 * while this one still makes collections.
 */
const SCHEMA: Document = {
  bsonType: 'object',
  required: ['_id', 'version', 'listed', 'createdMs', 'updatedMs', 'requested', 'view'],
  properties: {
    _id: { bsonType: 'string' },
    version: { bsonType: 'number', minimum: 0 },
    listed: { bsonType: 'bool' },
    createdMs: { bsonType: 'number' },
    updatedMs: { bsonType: 'number' },
    requested: { bsonType: 'bool' },
    emailIndex: { bsonType: 'string' },
    forgetDueMs: { bsonType: 'number' },
    view: {
      bsonType: 'object',
      required: ['id', 'version', 'status', 'life', 'listed', 'createdTime', 'updatedTime', 'enabled', 'sources'],
      properties: {
        id: { bsonType: 'string' },
        version: { bsonType: 'number', minimum: 0 },
        status: { enum: ['active', 'erased', 'deleted'] },
        life: { bsonType: 'number', minimum: 1 },
        ...Object.fromEntries(SINGLE_FIELDS.map((field) => [field, sealed])),
        taxCertificates: { bsonType: 'array', items: sealed },
        sources: { bsonType: 'array' },
      },
    },
  },
};

export const customersPlan = (generation: number): CollectionPlan => ({
  name: nameOf(generation),
  schema: SCHEMA,
  indexes: INDEXES,
});

/** @throws RangeError a time that is none */
export function toDocument(view: CustomerView): CustomerDocument {
  const due = view.status === 'active' && view.legalHold !== true ? view.forgetDueAt : undefined;
  return {
    _id: view.id,
    version: view.version,
    listed: view.listed,
    createdMs: milliseconds(view.createdTime),
    updatedMs: milliseconds(view.updatedTime),
    requested: view.requestToBeForgotten,
    ...(view.emailIndex !== undefined && { emailIndex: view.emailIndex }),
    ...(due !== undefined && { forgetDueMs: milliseconds(due) }),
    view,
  };
}

export function milliseconds(time: string): number {
  const value = Date.parse(time);
  if (Number.isNaN(value)) throw new RangeError('A view with a time that is none');
  return value;
}
