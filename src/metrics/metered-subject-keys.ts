import { StoreUnavailable } from '../event-sourcing/store-errors.js';
import {
  type KeyPurpose,
  type KeyRef,
  type KeyState,
  SubjectKeys,
  type WrappedKey,
  type WrappedPage,
} from '../privacy/subject-keys.js';
import { Tally } from './tally.js';

const OPERATIONS = ['find', 'find_many', 'create', 'destroy', 'secret'] as const;
const OUTCOMES = ['done', 'unavailable', 'failed'] as const;

/** Counts what is asked of the key store; never for whom. Health checks and administration do not count. */
export class MeteredSubjectKeys extends SubjectKeys {
  readonly operations = new Tally(['operation', 'outcome']);

  constructor(private readonly inner: SubjectKeys) {
    super();
    for (const operation of OPERATIONS) {
      for (const outcome of OUTCOMES) this.operations.add({ operation, outcome }, 0);
    }
  }

  override find(ref: KeyRef): Promise<KeyState> {
    return this.counted('find', () => this.inner.find(ref));
  }

  override findMany(refs: readonly KeyRef[]): Promise<readonly KeyState[]> {
    return this.counted('find_many', () => this.inner.findMany(refs));
  }

  override create(ref: KeyRef, key: WrappedKey): Promise<KeyState> {
    return this.counted('create', () => this.inner.create(ref, key));
  }

  override destroy(ref: KeyRef): Promise<{ readonly fingerprint?: string }> {
    return this.counted('destroy', () => this.inner.destroy(ref));
  }

  override secret(name: string, ifAbsent: WrappedKey): Promise<WrappedKey> {
    return this.counted('secret', () => this.inner.secret(name, ifAbsent));
  }

  override notWrappedBy(masterKeyId: string, limit: number, after?: string): Promise<WrappedPage> {
    return this.inner.notWrappedBy(masterKeyId, limit, after);
  }

  override rewrap(purpose: KeyPurpose, standing: WrappedKey, rewrapped: WrappedKey): Promise<boolean> {
    return this.inner.rewrap(purpose, standing, rewrapped);
  }

  override countByMasterKey(): Promise<ReadonlyMap<string, number>> {
    return this.inner.countByMasterKey();
  }

  override health(): Promise<void> {
    return this.inner.health();
  }

  private async counted<T>(operation: (typeof OPERATIONS)[number], work: () => Promise<T>): Promise<T> {
    let outcome: (typeof OUTCOMES)[number] = 'done';
    try {
      return await work();
    } catch (error) {
      outcome = error instanceof StoreUnavailable ? 'unavailable' : 'failed';
      throw error;
    } finally {
      this.operations.add({ operation, outcome });
    }
  }
}
