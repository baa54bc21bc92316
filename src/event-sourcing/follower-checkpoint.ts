import type { Checkpoint, Checkpoints } from './checkpoints.js';
import type { EventStore, Position } from './event-store.js';
import type { HeldLease } from './held-lease.js';

/** A crash has at most so much handed in again; what is handled is handled, whether it is written down or not. */
const SAVE_EVERY_MS = 500;
/** While there is nothing to save, the stored checkpoint is looked at every so many times: it may have been restored. */
const LOOK_EVERY = 4;

export interface FollowerCheckpointParts {
  readonly store: EventStore;
  readonly checkpoints: Checkpoints;
  /** Under which name it is kept at the moment. */
  readonly nameNow: () => Promise<string>;
  /** Hears that an older checkpoint is stored than before: the database was restored to an earlier state. */
  readonly setBack: (stored: Checkpoint | undefined) => void;
}

/**
 * The stored checkpoint of one follower. It knows what was stored last, so that a database which is restored while the
 * service runs is noticed by each load, and by a save, which replaces only what is known to be there.
 */
export class FollowerCheckpoint {
  private known: { readonly name: string; readonly checkpoint: Checkpoint | undefined } | undefined;
  /** Handled, but not written down yet. */
  private unsaved: Checkpoint | undefined;
  private idleTicks = 0;
  /** A load that overlaps a save would look as if the database had gone back. */
  private queue: Promise<unknown> = Promise.resolve();

  constructor(private readonly parts: FollowerCheckpointParts) {}

  /** Tells the store what its log must hold, too. @throws StoreUnavailable */
  load(): Promise<Checkpoint | undefined> {
    return this.inTurn(async () => {
      const { store, checkpoints, setBack, nameNow } = this.parts;
      const name = await nameNow();
      const checkpoint = await checkpoints.load(name);
      const before = this.known?.name === name ? this.known.checkpoint : undefined;
      this.known = { name, checkpoint };
      if (before !== undefined && this.isBehind(checkpoint?.position, before.position)) {
        this.unsaved = undefined;
        setBack(checkpoint);
      }
      if (checkpoint?.logId === (await store.logId())) store.expect(checkpoint.position, checkpoint.last);
      return checkpoint;
    });
  }

  /** To be saved soon. */
  note(checkpoint: Checkpoint): void {
    this.unsaved = checkpoint;
  }

  /** Saves while the lease is held, and gives it up where that fails. @returns the way to stop */
  saveUnder(held: HeldLease): () => void {
    const saving = setInterval(() => {
      const done = this.unsaved === undefined ? this.look() : this.save(held);
      done.then(
        (kept) => {
          if (!kept) held.lose();
        },
        () => {
          held.lose();
        },
      );
    }, SAVE_EVERY_MS);
    return () => {
      clearInterval(saving);
      this.unsaved = undefined;
    };
  }

  /**
   * @returns false when nothing was saved: the lease is lost, or the database does not hold what was stored last
   * @throws StoreUnavailable
   */
  save(held: HeldLease): Promise<boolean> {
    return this.inTurn(async () => {
      const name = await this.parts.nameNow();
      const checkpoint = this.unsaved;
      if (held.lost.aborted) return false;
      if (checkpoint === undefined) return true;
      this.unsaved = undefined;
      const after = this.known?.name === name ? this.known.checkpoint?.position : undefined;
      const saved = await this.parts.checkpoints.save(name, checkpoint, held.lease, after);
      if (saved) this.known = { name, checkpoint };
      return saved;
    });
  }

  /** A database that does not answer now will when there is something to save. */
  private async look(): Promise<true> {
    this.idleTicks = (this.idleTicks + 1) % LOOK_EVERY;
    if (this.idleTicks === 0) await this.load().catch(() => undefined);
    return true;
  }

  private isBehind(stored: Position | undefined, before: Position): boolean {
    return stored === undefined || this.parts.store.comparePositions(stored, before) < 0;
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.queue.then(work);
    this.queue = turn.catch(() => undefined);
    return turn;
  }
}
