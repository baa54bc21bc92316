import { statSync } from 'node:fs';

/** The database file was moved away, deleted or replaced while it was open. */
export class FileMissing extends Error {
  override readonly name = 'FileMissing';
  constructor() {
    super('The database file is no longer in its place');
  }
}

/** A file that was deleted or replaced under an open connection can be written for ever, and all of it is lost. */
export class FileInPlace {
  private readonly inode: number | undefined;

  constructor(private readonly file: string) {
    this.inode = inodeOf(file);
  }

  /** @throws FileMissing */
  require(): void {
    if (inodeOf(this.file) !== this.inode) throw new FileMissing();
  }
}

/** A stat, never an open: closing a descriptor again would drop all locks this process has on the file (POSIX). */
function inodeOf(file: string): number | undefined {
  try {
    return statSync(file).ino;
  } catch {
    return undefined;
  }
}
