import { CustomerError } from '../domain/errors.js';
import type { SourceFacts } from '../domain/events.js';

/** One life of one customer: what a source can belong to. */
export interface Owner {
  readonly customerId: string;
  readonly life: number;
}

/** By which command a source was claimed: a create's claim has an effect only if that very creation came about. */
export type ClaimedBy = 'create' | 'attach';

export interface Claim extends Owner {
  readonly by: ClaimedBy;
  /** Of the one command behind it, when that came with an `Idempotency-Key`: refused as a reused one it takes the claim along. */
  readonly commandId?: string;
  readonly source: SourceFacts;
}

export type SourceEvent =
  | { readonly type: 'SourceClaimed'; readonly data: Claim }
  /** For good: it can't be attached again. */
  | { readonly type: 'SourceCancelled'; readonly data: Owner }
  /** The claim never had an effect and never can. */
  | { readonly type: 'SourceReleased'; readonly data: Owner };

export type SourceState =
  | { readonly status: 'free' }
  | ({ readonly status: 'claimed'; readonly owner: Owner } & Omit<Claim, keyof Owner>)
  | { readonly status: 'cancelled' };

export function evolveSource(_state: SourceState, event: SourceEvent): SourceState {
  switch (event.type) {
    case 'SourceClaimed': {
      const { customerId, life, ...rest } = event.data;
      return { status: 'claimed', owner: { customerId, life }, ...rest };
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
 * Claims a source for an owner. Claiming twice is nothing, unless the claim that stands could become void: then it is
 * renewed, so that it can't be released under this command.
 * @param commandId given when this command could yet be refused as a repeat
 * @throws CustomerError source_in_use, source_not_chargeable
 */
export function claim(
  state: SourceState,
  owner: Owner,
  by: ClaimedBy,
  source: SourceFacts,
  commandId?: string,
): readonly SourceEvent[] {
  const mine = commandId === undefined ? {} : { commandId };
  switch (state.status) {
    case 'free':
      return [{ type: 'SourceClaimed', data: { ...owner, by, ...mine, source } }];
    case 'claimed':
      if (!sameOwner(state.owner, owner)) {
        throw new CustomerError('source_in_use', 'sourceId', 'The source belongs to another customer');
      }
      if (by === 'create') return [];
      if (state.by === 'create') return [{ type: 'SourceClaimed', data: { ...owner, by, ...mine, source } }];
      // Two commands stand behind it now: it no longer goes with one of them.
      return state.commandId === undefined || state.commandId === commandId
        ? []
        : [{ type: 'SourceClaimed', data: { ...owner, by, source } }];
    case 'cancelled':
      throw cancelled();
    default:
      return state satisfies never;
  }
}
