import { SourceDirectory } from './source-directory.js';
import type { DirectorySource } from './source-directory.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Stands in where no directory is configured: every UUID is a chargeable, reusable source. */
export class AcceptAllSourceDirectory extends SourceDirectory {
  override async find(sourceId: string): Promise<DirectorySource | undefined> {
    return UUID.test(sourceId) ? { id: sourceId, state: 'chargeable', reusable: true } : undefined;
  }
}
