import { CustomerError } from '../domain/errors.js';
import type { SourceFacts } from '../domain/events.js';

/** One life of one customer: what a source can belong to. */
export interface Owner {
  readonly customerId: string;
  readonly life: number;
}

/** By which command a source was claimed: a create's claim has an effect only if that very creation came about. */
export type ClaimedBy = 'create' | 'attach';

export type SourceEvent =
  | { readonly type: 'SourceClaimed'; readonly data: Owner & { readonly by: ClaimedBy; readonly source: SourceFacts } }
  /** For good: it can't be attached again. */
  | { readonly type: 'SourceCancelled'; readonly data: Owner }
  /** The claim never had an effect and never can. */
  | { readonly type: 'SourceReleased'; readonly data: Owner };

export type SourceState =
  | { readonly status: 'free' }
  | { readonly status: 'claimed'; readonly owner: Owner; readonly by: ClaimedBy; readonly source: SourceFacts }
  | { readonly status: 'cancelled' };

export function evolveSource(_state: SourceState, event: SourceEvent): SourceState {
  switch (event.type) {
    case 'SourceClaimed': {
      const { customerId, life, by, source } = event.data;
      return { status: 'claimed', owner: { customerId, life }, by, source };
    }
    case 'SourceCancelled':
      return { status: 'cancelled' };
    case 'SourceReleased':
      return { status: 'free' };
    default:
      return event satisfies never;
  }
}

export const sameOwner = (a: Owner, b: Owner): boolean => a.customerId === b.customerId && a.life === b.life;

export const cancelled = (): CustomerError =>
  new CustomerError('source_not_chargeable', 'sourceId', 'The source is not chargeable, or was detached before');

/**
 * Claims a source for an owner. A create's claim is renewed by an attach of the same owner, so that it can't be released
 * under the attach; otherwise claiming twice is nothing.
 * @throws CustomerError source_in_use, source_not_chargeable
 */
export function claim(state: SourceState, owner: Owner, by: ClaimedBy, source: SourceFacts): readonly SourceEvent[] {
  switch (state.status) {
    case 'free':
      return [{ type: 'SourceClaimed', data: { ...owner, by, source } }];
    case 'claimed':
      if (!sameOwner(state.owner, owner)) {
        throw new CustomerError('source_in_use', 'sourceId', 'The source belongs to another customer');
      }
      return state.by === 'create' && by === 'attach'
        ? [{ type: 'SourceClaimed', data: { ...owner, by, source } }]
        : [];
    case 'cancelled':
      throw cancelled();
    default:
      return state satisfies never;
  }
}
