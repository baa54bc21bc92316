import type { Sealed } from '../../privacy/sealed.js';
import type { PersonalField } from '../domain/fields.js';
import type { ActiveCustomer, EndedCustomer } from '../domain/state.js';

export type SealedPersonal = { readonly [F in PersonalField]: Sealed };

/**
 * The read model's document: the customer as the fold of its events has it, with what the stores look up. Deleted and
 * erased customers keep one (a stub): without it a replay would bring them back, and cursors rest on it too.
 */
export interface CustomerView extends Omit<ActiveCustomer<SealedPersonal>, 'status' | 'detachedSources' | 'legalHold'> {
  readonly id: string;
  /** Revision of the newest event of the stream that is in this view. Stores write a view only forward. */
  readonly version: number;
  readonly status: ActiveCustomer['status'] | EndedCustomer['status'];
  /** False for deleted customers: lists pass them over. */
  readonly listed: boolean;
  /** Present while there is a hold: such a customer is not due for erasure, however late it is. */
  readonly legalHold?: true;
  /** Keyed hash of the address (trimmed, NFC, case folded): what the `email` filter looks up. Only views hold it. */
  readonly emailIndex?: string;
}
