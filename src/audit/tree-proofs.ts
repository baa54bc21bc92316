import type { SigningRing } from '../privacy/signing-ring.js';
import type { AuditLeaf, AuditTree, SignedCheckpoint } from './audit-tree.js';
import { isSigned, readNote, verifierKeys, writeVerifierKey } from './checkpoint-note.js';
import { originOf } from './checkpoint-signer.js';
import { leafHash, SHA256 } from './merkle-hashing.js';
import { TreeHashes } from './tree-hashes.js';

export interface InclusionProof {
  readonly leaf: AuditLeaf;
  readonly leafHash: Uint8Array;
  /** Lowest first. */
  readonly path: readonly Uint8Array[];
  readonly checkpoint: SignedCheckpoint;
}

export interface TreeState {
  readonly origin: string;
  /** As C2SP signed-note writes them, the active one first. */
  readonly keys: readonly string[];
  readonly size: number;
  readonly checkpoint: SignedCheckpoint | undefined;
  /** Whether the last checkpoint is signed by one of the keys, and the stored tree begins with its tree. */
  readonly isSound: boolean;
}

/** What the tree can show of itself. */
export class TreeProofs {
  readonly hashes: TreeHashes;

  constructor(
    private readonly tree: AuditTree,
    private readonly ring: SigningRing,
  ) {
    this.hashes = new TreeHashes(tree);
  }

  latest(): Promise<SignedCheckpoint | undefined> {
    return this.tree.latestCheckpoint();
  }

  size(): Promise<number> {
    return this.tree.size();
  }

  /** Against the last checkpoint. @returns undefined for an event that is not in its tree (yet) */
  async inclusion(eventId: string): Promise<InclusionProof | undefined> {
    const leaf = await this.tree.leafOf(eventId);
    const checkpoint = await this.tree.latestCheckpoint();
    if (leaf === undefined || checkpoint === undefined || checkpoint.size <= leaf.index) return undefined;
    const path = await this.hashes.inclusion(leaf.index, checkpoint.size);
    return { leaf, leafHash: leafHash(leaf.entry), path, checkpoint };
  }

  async state(): Promise<TreeState> {
    const origin = originOf(await this.tree.id());
    const checkpoint = await this.tree.latestCheckpoint();
    const size = await this.tree.size();
    const keys = verifierKeys(this.ring, origin);
    const isSound = checkpoint === undefined || (await this.isSound(checkpoint, size));
    return { origin, keys: keys.map(writeVerifierKey), size, checkpoint, isSound };
  }

  private async isSound(checkpoint: SignedCheckpoint, size: number): Promise<boolean> {
    const note = readNote(checkpoint.note);
    if (!isSigned(note, verifierKeys(this.ring, note.origin)) || note.size > size) return false;
    return SHA256.same(await this.hashes.root(note.size), note.root);
  }
}
