import { type DynamicModule, Module } from '@nestjs/common';
import type { Checkpoints } from '../event-sourcing/checkpoints.js';
import type { Clock } from '../event-sourcing/clock.js';
import type { EventStore } from '../event-sourcing/event-store.js';
import { followerLog } from '../follower-log.js';
import { HttpModule } from '../http/http.module.js';
import { LogCheckpoints } from '../privacy/log-checkpoints.js';
import type { SigningRing } from '../privacy/signing-ring.js';
import type { AuditTree } from './audit-tree.js';
import { AuditModule } from './audit.module.js';
import { CheckpointLog } from './checkpoint-log.js';
import { CheckpointRounds } from './checkpoint-rounds.js';
import { CheckpointSigner } from './checkpoint-signer.js';
import { ErasureCheckpoints } from './erasure-checkpoints.js';
import { TreeController } from './tree.controller.js';
import { TreeProofs } from './tree-proofs.js';
import { VerificationLog } from './verification-log.js';
import { WitnessClient } from './witness-client.js';

export interface TreeParts {
  readonly auditTree: AuditTree;
  /** In the database of the tree. */
  readonly auditCheckpoints: Checkpoints;
  readonly eventStore: EventStore;
  readonly signing: SigningRing;
  readonly clock: Clock;
  readonly witnessUrl: string | undefined;
  /** Whether this instance signs, if it is its turn. */
  readonly signs: boolean;
  /** Whether it serves requests. */
  readonly serves: boolean;
}

/** The Merkle tree over the log: its checkpoints and proofs. What adds its leaves is among the followers of the log. */
@Module({})
export class TreeModule {
  static with({ auditTree: tree, eventStore: store, signing, clock, ...parts }: TreeParts): DynamicModule {
    const signer = new CheckpointSigner(tree, signing, clock);
    const covering = new CheckpointLog(tree, store);
    const witness = parts.witnessUrl === undefined ? undefined : new WitnessClient(tree, parts.witnessUrl);
    const log = followerLog(CheckpointRounds.name);
    const { auditCheckpoints: checkpoints, signs } = parts;
    const provided = [
      { provide: CheckpointSigner, useValue: signer },
      { provide: CheckpointLog, useValue: covering },
      { provide: LogCheckpoints, useValue: new ErasureCheckpoints(covering, signer) },
      { provide: CheckpointRounds, useValue: new CheckpointRounds({ signer, witness, checkpoints, log, signs }) },
    ];
    return {
      module: TreeModule,
      imports: parts.serves ? [HttpModule, AuditModule] : [],
      controllers: parts.serves ? [TreeController] : [],
      providers: [
        ...provided,
        { provide: TreeProofs, useValue: new TreeProofs(tree, signing) },
        { provide: VerificationLog, useValue: new VerificationLog(store, clock) },
      ],
      exports: provided.map(({ provide }) => provide),
    };
  }
}
