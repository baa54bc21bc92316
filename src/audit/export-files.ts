import { createHash } from 'node:crypto';
import { createWriteStream, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';

export interface WrittenFile {
  readonly file: string;
  /** Lines. */
  readonly count: number;
  readonly sha256: string;
}

/** A file of JSON lines that is written as fast as the disk takes it, and never held in memory. */
export class LineFile {
  private readonly stream: WriteStream;
  private readonly hash = createHash('sha256');
  private readonly failed: Promise<never>;
  private count = 0;

  /** For its owner alone: even sealed, it tells who had how many events. */
  constructor(
    folder: string,
    private readonly file: string,
  ) {
    this.stream = createWriteStream(join(folder, file), { flags: 'wx', mode: 0o600 });
    this.failed = once(this.stream, 'error').then(([error]: unknown[]) => Promise.reject(error as Error));
    this.failed.catch(() => undefined);
  }

  /** @throws Error the disk is full, or there is such a file */
  async write(values: readonly unknown[]): Promise<void> {
    if (values.length === 0) return;
    const text = values.map((value) => `${JSON.stringify(value)}\n`).join('');
    this.hash.update(text);
    this.count += values.length;
    if (!this.stream.write(text)) await Promise.race([once(this.stream, 'drain'), this.failed]);
  }

  async close(): Promise<WrittenFile> {
    const closed = once(this.stream, 'close');
    this.stream.end();
    await Promise.race([closed, this.failed]);
    return { file: this.file, count: this.count, sha256: this.hash.digest('hex') };
  }
}
