import { randomUUID } from 'node:crypto';
import type { SourceDirectory } from '../../src/customers/sources/source-directory.js';
import { StoreUnavailable } from '../../src/event-sourcing/store-errors.js';

export interface SourceDirectoryHarness {
  readonly directory: SourceDirectory;
  /** Makes sure that there is such a source, chargeable and reusable. */
  add(sourceId: string): void;
  /** An id of which there is no source. */
  readonly unknownId: string;
  close(): Promise<void>;
}

/** Of a directory that lies elsewhere. */
export interface RemoteSourceDirectoryHarness extends SourceDirectoryHarness {
  /** From here on the directory is out of reach. */
  cutOff(): Promise<void>;
}

/** What every SourceDirectory promises. */
export function sourceDirectoryContract(name: string, start: () => Promise<SourceDirectoryHarness>): void {
  describe(`SourceDirectory: ${name}`, () => {
    let harness: SourceDirectoryHarness;

    beforeEach(async () => {
      harness = await start();
    });
    afterEach(() => harness.close());

    const added = (): string => {
      const id = randomUUID();
      harness.add(id);
      return id;
    };

    it('describes a source under the id that was asked for', async () => {
      const id = added();
      expect(await harness.directory.find(id)).toMatchObject({ id, state: 'chargeable', reusable: true });
    });

    it('gives the id back in the letters that were asked with', async () => {
      const id = added().toUpperCase();
      expect(await harness.directory.find(id)).toMatchObject({ id });
    });

    it('answers undefined when there is no such source', async () => {
      expect(await harness.directory.find(harness.unknownId)).toBeUndefined();
    });

    it('keeps answers apart when many are asked at once', async () => {
      const ids = Array.from({ length: 30 }, added);
      const found = await Promise.all(ids.map((id) => harness.directory.find(id)));
      expect(found.map((source) => source?.id)).toEqual(ids);
    });
  });
}

/** What a SourceDirectory that lies elsewhere promises. */
export function remoteSourceDirectoryContract(name: string, start: () => Promise<RemoteSourceDirectoryHarness>): void {
  sourceDirectoryContract(name, start);

  describe(`SourceDirectory: ${name}, out of reach`, () => {
    it('throws StoreUnavailable and names itself', async () => {
      const harness = await start();
      const id = randomUUID();
      harness.add(id);
      await harness.cutOff();
      const failure = await harness.directory.find(id).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(StoreUnavailable);
      expect(failure).toMatchObject({ store: 'source_directory' });
      await harness.close();
    });
  });
}
