import type { AuditLeaf, SignedCheckpoint } from './audit-tree.js';
import { isSigned, readNote, type SignedNote, type VerifierKey } from './checkpoint-note.js';
import { SHA256 } from './merkle-hashing.js';
import { named } from './verify-alignment.js';
import type { Findings } from './verify-findings.js';

export interface HeldCheckpoint extends Pick<SignedNote, 'origin' | 'size' | 'root' | 'at'> {
  /** Given by who verifies, from outside the service. */
  readonly isOutside: boolean;
}

interface Outcome {
  tree?: boolean;
  log?: boolean;
}

/** Holds the roots that were signed against those that are made anew, of the tree's leaves and of the log itself. */
export class CheckpointCheck {
  private readonly outcomes = new Map<HeldCheckpoint, Outcome>();
  private readonly bySize = new Map<number, HeldCheckpoint[]>();
  private readonly sizes: readonly number[];
  /** The leaf behind each held size: where what is not vouched for begins. */
  private readonly firstAfter = new Map<number, AuditLeaf>();

  constructor(
    private readonly findings: Findings,
    held: readonly HeldCheckpoint[],
    private readonly origin: string,
    private readonly treeSize: number,
  ) {
    for (const checkpoint of held) {
      this.outcomes.set(checkpoint, {});
      const same = this.bySize.get(checkpoint.size) ?? [];
      this.bySize.set(checkpoint.size, [...same, checkpoint]);
    }
    this.sizes = [0, ...this.bySize.keys()].sort((a, b) => a - b);
  }

  /** Of the leaves of the tree. */
  readonly treePassed = (size: number, root: () => Uint8Array, leaf: AuditLeaf): void => {
    if (size === 1 || this.bySize.has(size - 1)) this.firstAfter.set(size - 1, leaf);
    this.note(size, root, 'tree');
  };

  /** Of the log. */
  readonly logPassed = (size: number, root: () => Uint8Array): void => {
    this.note(size, root, 'log');
  };

  private note(size: number, root: () => Uint8Array, of: keyof Outcome): void {
    const held = this.bySize.get(size);
    if (held === undefined) return;
    const made = root();
    for (const checkpoint of held) {
      const outcome = this.outcomes.get(checkpoint);
      if (outcome !== undefined) outcome[of] = SHA256.same(made, checkpoint.root);
    }
  }

  /** Whether the log up to the largest checkpoint is what was signed, whatever the stored tree says. */
  get logIsSound(): boolean {
    const [last] = [...this.outcomes]
      .filter(([{ origin }]) => origin === this.origin)
      .sort(([a], [b]) => b.size - a.size);
    return last?.[1].log === true;
  }

  tell(): void {
    let vouched = 0;
    for (const size of this.sizes.slice(1)) {
      const failed = (this.bySize.get(size) ?? []).filter((checkpoint) => !this.holds(checkpoint));
      if (failed.length === 0) vouched = size;
      else this.tellFailed(failed, vouched);
    }
  }

  private holds(checkpoint: HeldCheckpoint): boolean {
    return checkpoint.origin === this.origin && this.outcomes.get(checkpoint)?.tree === true;
  }

  private tellFailed(failed: readonly HeldCheckpoint[], vouched: number): void {
    for (const { size, origin, at, isOutside } of failed) {
      const which = `The checkpoint of ${new Date(at).toISOString()} over ${String(size)} events${isOutside ? ', held outside,' : ''}`;
      const leaf = this.firstAfter.get(vouched);
      const event = leaf && named(leaf);
      if (origin !== this.origin) {
        this.findings.add('rewritten', `${which} is of another tree (${origin}): this one was begun anew`);
      } else if (size > this.treeSize) {
        this.findings.add('rewritten', `${which} covers more than there is: the tree was cut off`, event);
      } else {
        const range = `between the event of leaf ${String(vouched)} and that of leaf ${String(size - 1)}`;
        this.findings.add('rewritten', `${which} is not that of this tree: something ${range} is not as it was`, event);
      }
    }
  }
}

/**
 * Checks signatures and the form of the notes that the service keeps.
 * @param keysOf the keys that may have signed for an origin
 */
export function readKept(
  kept: readonly SignedCheckpoint[],
  keysOf: (origin: string) => readonly VerifierKey[],
  findings: Findings,
): readonly HeldCheckpoint[] {
  return kept.flatMap((checkpoint) => {
    const what = `The stored checkpoint over ${String(checkpoint.size)} events`;
    try {
      const note = readNote(checkpoint.note);
      if (!isSigned(note, keysOf(note.origin))) findings.add('checkpoint', `${what} has no signature of a known key`);
      const same =
        note.size === checkpoint.size && SHA256.same(note.root, checkpoint.root) && note.at === checkpoint.at;
      if (!same) findings.add('checkpoint', `${what} is stored with other values than were signed`);
      return [{ ...note, isOutside: false }];
    } catch {
      findings.add('checkpoint', `${what} is no signed note`);
      return [];
    }
  });
}
