import type { CustomerType } from '../domain/events.js';
import type { Personal } from '../domain/personal.js';
import type { Sealed } from '../../privacy/sealed.js';

export type SealedPersonal = { readonly [K in keyof Personal]: Sealed };

export interface AttachedSource {
  readonly id: string;
  readonly type?: string;
  readonly state: string;
  readonly reusable: boolean;
  /** UTC date-time of the attachment. */
  readonly createdTime: string;
}

/**
 * The read model's document. Deleted and erased customers keep one (a stub): without it a replay would bring them back,
 * and cursors rest on it too.
 */
export interface CustomerView {
  readonly id: string;
  /** Revision of the newest event of the stream that is in this view. Stores write a view only forward. */
  readonly version: number;
  readonly status: 'active' | 'erased' | 'deleted';
  /** The life shown; also the revision of the key that opens the sealed values. */
  readonly life: number;
  /** False for deleted customers: lists pass them over. */
  readonly listed: boolean;
  /** UTC date-times with milliseconds. */
  readonly createdTime: string;
  readonly updatedTime: string;
  readonly enabled: boolean;
  readonly requestToBeForgotten: boolean;
  readonly forgetDueAt?: string;
  /** Present while there is a hold: such a customer is not due for erasure, however late it is. */
  readonly legalHold?: true;
  readonly locale?: string;
  readonly type?: CustomerType;
  readonly defaultSourceId?: string;
  readonly sources: readonly AttachedSource[];
  readonly email?: Sealed;
  /** Keyed hash of the address (trimmed, NFC, case folded): what the `email` filter looks up. Only views hold it. */
  readonly emailIndex?: string;
  readonly shipping?: Sealed;
  readonly taxCertificates: readonly Sealed[];
  readonly metadata?: Sealed;
}
