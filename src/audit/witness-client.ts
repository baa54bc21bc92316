import type { AuditTree, SignedCheckpoint } from './audit-tree.js';
import { TreeHashes } from './tree-hashes.js';
import { base64 } from './merkle-hashing.js';

/** The witness is out of reach, or refuses. The message holds no address. */
export class NotWitnessed extends Error {
  override readonly name = 'NotWitnessed';
  constructor(
    message: string,
    /** Whether it passes by itself: the witness is away, and refuses nothing. */
    readonly passes: boolean,
  ) {
    super(message);
  }
}

const TIMEOUT_MS = 5_000;
const AT_ONCE = 20;
const CONFLICT = 409;
const BACKOFF_MS = { first: 5_000, most: 300_000 };

/**
 * Hands checkpoints to an outside witness, the oldest first, as C2SP tlog-witness has it (`add-checkpoint`): the size the
 * witness knows, the proof that the tree only grew since, and the note. One that failed is tried again, for good.
 */
export class WitnessClient {
  private readonly hashes: TreeHashes;
  private knownSize = 0;
  private failures = 0;
  private tryAt = 0;

  constructor(
    private readonly tree: AuditTree,
    private readonly url: string,
  ) {
    this.hashes = new TreeHashes(tree);
  }

  /** So often in a row the witness did not take a checkpoint. */
  get failed(): number {
    return this.failures;
  }

  /** Does nothing while it waits after a failure. @throws NotWitnessed, StoreUnavailable */
  async deliver(): Promise<void> {
    if (performance.now() < this.tryAt) return;
    for (const checkpoint of await this.tree.unwitnessed(AT_ONCE)) {
      try {
        await this.post(checkpoint);
      } catch (error) {
        this.tryAt = performance.now() + Math.min(BACKOFF_MS.first * 2 ** this.failures, BACKOFF_MS.most);
        this.failures += 1;
        throw error;
      }
      await this.tree.markWitnessed(checkpoint);
      this.failures = 0;
    }
  }

  private async post(checkpoint: SignedCheckpoint): Promise<void> {
    const first = await this.send(checkpoint, Math.min(this.knownSize, checkpoint.size));
    if (first.status !== CONFLICT) {
      this.taken(first, checkpoint);
      return;
    }
    // It knows another size than was thought, as after a restart of either, and says which.
    const size = /^\d{1,15}$/.test(first.text) ? Number(first.text) : NaN;
    if (Number.isNaN(size)) throw new NotWitnessed('The witness refuses and does not say at which size it is', false);
    this.knownSize = size;
    // It has a later checkpoint than this one, of which it saw that it continues what it had.
    if (size > checkpoint.size) return;
    this.taken(await this.send(checkpoint, size), checkpoint);
  }

  private taken({ status }: { readonly status: number }, { size }: SignedCheckpoint): void {
    if (status !== 200) throw new NotWitnessed(`The witness answered ${String(status)}`, status >= 500);
    this.knownSize = size;
  }

  private async send({ size, note }: SignedCheckpoint, old: number): Promise<{ status: number; text: string }> {
    const proof = old === 0 ? [] : await this.hashes.consistency(old, size);
    const lines = [`old ${String(old)}`, ...proof.map(base64)];
    try {
      const answer = await fetch(this.url, {
        method: 'POST',
        body: `${lines.join('\n')}\n\n${note}`,
        headers: { 'Content-Type': 'text/plain; charset=utf-8' },
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return { status: answer.status, text: (await answer.text()).trim() };
    } catch {
      throw new NotWitnessed('The witness is out of reach', true);
    }
  }
}
