import type { ApiKeys } from '../access/api-keys.js';
import type { AuditTree } from '../audit/audit-tree.js';
import type { CustomerViews } from '../customers/read-model/customer-views.js';
import type { Checkpoints } from '../event-sourcing/checkpoints.js';
import type { Receipts } from '../privacy/receipts.js';
import type { SubjectKeys } from '../privacy/subject-keys.js';
import type { Webhooks } from '../subscribers/webhooks/webhooks.js';

/** Each checkpoint is kept where what it marks is: a file for each when embedded, all in one database on MongoDB. */
export interface ReadModelStores {
  readonly customerViews: CustomerViews;
  /** In the database of the views. */
  readonly checkpoints: Checkpoints;
  readonly apiKeys: ApiKeys;
  readonly webhooks: Webhooks;
  /** In the database of the webhooks. */
  readonly webhookCheckpoints: Checkpoints;
  readonly auditTree: AuditTree;
  /** In the database of the tree. */
  readonly auditCheckpoints: Checkpoints;
  readonly receipts: Receipts;
  /** In the database of the receipts. */
  readonly receiptCheckpoints: Checkpoints;
}

export interface KeyStores {
  readonly subjectKeys: SubjectKeys;
  /** In the database of the subject keys. */
  readonly keyCheckpoints: Checkpoints;
}

export interface Closable {
  close(): Promise<void>;
}
