/** What a verification can find. `gap`: something can't be shown; all else contradicts what was recorded or signed. */
export type FindingKind =
  | 'changed'
  | 'missing'
  | 'inserted'
  | 'replaced'
  | 'moved'
  | 'unreadable'
  | 'removed'
  | 'chain'
  | 'tree'
  | 'checkpoint'
  | 'rewritten'
  | 'view'
  | 'gap';

export interface NamedEvent {
  readonly stream: string;
  readonly revision: number;
  readonly eventId?: string;
  /** Among the leaves of the tree. */
  readonly leafIndex?: number;
}

export interface Finding {
  readonly kind: FindingKind;
  /** The event at fault, or the first that can't be vouched for. */
  readonly event?: NamedEvent;
  /** In plain words; never a personal value. */
  readonly message: string;
}

/** More are counted and not told: a log that was rewritten has as many findings as events. */
const TOLD = 100;

export class Findings {
  readonly told: Finding[] = [];
  private readonly counts = new Map<FindingKind, number>();

  add(kind: FindingKind, message: string, event?: NamedEvent): void {
    this.counts.set(kind, this.count(kind) + 1);
    if (this.told.length < TOLD) this.told.push({ kind, message, ...(event !== undefined && { event }) });
  }

  count(kind: FindingKind): number {
    return this.counts.get(kind) ?? 0;
  }

  get untold(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0) - this.told.length;
  }

  get verdict(): Verdict {
    const kinds = [...this.counts.keys()];
    if (kinds.some((kind) => kind !== 'gap')) return 'manipulation';
    return kinds.length > 0 ? 'gaps' : 'sound';
  }
}

export type Verdict = 'sound' | 'manipulation' | 'gaps';

export const EXIT_CODES = { sound: 0, manipulation: 1, gaps: 2, couldNotRun: 3 } as const;
