import { CustomerError } from '../domain/errors.js';
import type { SourceFacts } from '../domain/events.js';

/** One life of one customer: what a source can belong to. */
export interface Owner {
  readonly customerId: string;
  readonly life: number;
}

/** By which command a source was claimed: a create's claim has an effect only if that very creation came about. */
export type ClaimedBy = 'create' | 'attach';

export interface Claiming extends Owner {
  readonly by: ClaimedBy;
  /** Of a command that came with an `Idempotency-Key`: it can still be refused, if its key turns out to be used before. */
  readonly commandId?: string;
  readonly source: SourceFacts;
}

export interface Claim {
  readonly owner: Owner;
  readonly by: ClaimedBy;
  /** All that stand behind it, if it goes with them should they all be refused; else a command that stays is among them. */
  readonly commandIds?: readonly string[];
  readonly source: SourceFacts;
}

export type SourceEvent =
  | { readonly type: 'SourceClaimed'; readonly data: Claiming }
  /** For good: it can't be attached again. */
  | { readonly type: 'SourceCancelled'; readonly data: Owner }
  /** The claim never had an effect and never can. */
  | { readonly type: 'SourceReleased'; readonly data: Owner };

export type SourceState =
  { readonly status: 'free' } | ({ readonly status: 'claimed' } & Claim) | { readonly status: 'cancelled' };

export function evolveSource(state: SourceState, event: SourceEvent): SourceState {
  switch (event.type) {
    case 'SourceClaimed':
      return claimed(state, event.data);
    case 'SourceCancelled':
      return { status: 'cancelled' };
    case 'SourceReleased':
      return { status: 'free' };
    default:
      return event satisfies never;
  }
}

function claimed(before: SourceState, { customerId, life, by, commandId, source }: Claiming): SourceState {
  const renewed = before.status === 'claimed' && before.by === by;
  const others = renewed ? before.commandIds : [];
  const commandIds = others === undefined || commandId === undefined ? {} : { commandIds: [...others, commandId] };
  return { status: 'claimed', owner: { customerId, life }, by, ...commandIds, source };
}

export const sameOwner = (a: Owner, b: Owner): boolean => a.customerId === b.customerId && a.life === b.life;

export const cancelled = (): CustomerError =>
  new CustomerError('source_not_chargeable', 'sourceId', 'The source is not chargeable, or was detached before');

/**
 * Claims a source for an owner. Claiming twice is nothing, unless the claim that stands could become void without this
 * command: then it is renewed, so that it can't be released under it.
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
  const claiming: SourceEvent = {
    type: 'SourceClaimed',
    data: { ...owner, by, ...(commandId !== undefined && { commandId }), source },
  };
  switch (state.status) {
    case 'free':
      return [claiming];
    case 'claimed':
      if (!sameOwner(state.owner, owner)) {
        throw new CustomerError('source_in_use', 'sourceId', 'The source belongs to another customer');
      }
      return by === 'create' || holdsFor(state, commandId) ? [] : [claiming];
    case 'cancelled':
      throw cancelled();
    default:
      return state satisfies never;
  }
}

/** Whether the claim of an attachment holds for this command too, be it unnamed or named. */
const holdsFor = ({ by, commandIds }: Claim, commandId: string | undefined): boolean =>
  by === 'attach' && (commandIds === undefined || (commandId !== undefined && commandIds.includes(commandId)));
