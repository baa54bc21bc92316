/** A payment source as the system that owns it describes it. */
export interface DirectorySource {
  readonly id: string;
  readonly type?: string;
  /** `chargeable` is the only state in which a source can be attached. */
  readonly state: string;
  readonly reusable: boolean;
}

/**
 * Looks sources up in the system where they live. Every adapter passes `test/contracts/source-directory.contract.ts`.
 */
export abstract class SourceDirectory {
  /** @returns undefined when there is no such source. @throws StoreUnavailable('source_directory') within 2 s. */
  abstract find(sourceId: string): Promise<DirectorySource | undefined>;
}
