import type { CustomerChanges } from './changes.js';
import type { ErasureCause, SourceFacts } from './events.js';

/**
 * What can be asked of a customer. Facts from elsewhere (the clock, what the source directory said) are already in the
 * command, so that deciding is pure.
 */
export type CustomerCommand =
  /** `claim`: the source that `changes.defaultSourceId` names, claimed for the life that is to begin. */
  | { readonly kind: 'create'; readonly id: string; readonly changes: CustomerChanges; readonly claim?: Claimed }
  | { readonly kind: 'update'; readonly id: string; readonly changes: CustomerChanges }
  /** `dueAt`: UTC date-time at which the erasure takes effect if no request is open already. */
  | { readonly kind: 'forget'; readonly id: string; readonly changes: CustomerChanges; readonly dueAt: string }
  /** With cause `grace_period_over` only a request that is still open and due at `now` is carried out. */
  | {
      readonly kind: 'erase';
      readonly id: string;
      readonly cause: ErasureCause;
      readonly reasonCode?: string;
      readonly now: string;
    }
  | { readonly kind: 'delete'; readonly id: string }
  /** Under a legal hold a customer is neither erased nor deleted. */
  | { readonly kind: 'place_hold' | 'lift_hold'; readonly id: string }
  /** In another life than the one the source was claimed for there is nothing to attach. */
  | { readonly kind: 'attach_source'; readonly id: string; readonly claim: Claimed }
  | { readonly kind: 'detach_source'; readonly id: string; readonly sourceId: string };

export interface Claimed {
  readonly source: SourceFacts;
  readonly life: number;
}
