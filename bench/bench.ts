import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { progressBar } from '../src/admin/progress-bar.js';
import { Child, type Progress } from './child.js';
import { temporaryFolder } from './clean-up.js';
import type { Load, Measured } from './load.js';
import type { Options } from './options.js';
import type { StoreResult, StoreTask } from './store-work.js';

/** What all parts of the bench use: the load generator, the stores, a place on disk. */
export class Bench {
  readonly folder: string;
  private readonly generator = new Child<Load, Measured>('load.js');

  constructor(readonly options: Options) {
    this.folder = temporaryFolder(options.dir);
  }

  newFolder(name: string): string {
    const folder = join(this.folder, name);
    mkdirSync(folder);
    return folder;
  }

  load(load: Load): Promise<Measured> {
    return this.generator.run(load);
  }

  /** In a process that does nothing else, so that its memory tells of this work alone. */
  async onStores(task: StoreTask, onProgress?: Progress): Promise<StoreResult> {
    const child = new Child<StoreTask, StoreResult>('store-work.js');
    const result = await child.run(task, onProgress);
    await child.stop();
    return result;
  }

  /** Shown on a terminal only. @param work hears how much of it is done from what it says, 0 to 1 */
  async showing<T>(title: string, work: (onProgress: Progress) => Promise<T>): Promise<T> {
    const bar = progressBar(title);
    try {
      return await work((fraction, note) => bar.update(fraction, note));
    } finally {
      bar.stop();
    }
  }

  end(): Promise<void> {
    return this.generator.stop();
  }
}

/** The share of a part in the whole: progress within step `index` of `count` equal steps. */
export const step =
  (onProgress: Progress, index: number, count: number): Progress =>
  (fraction, note) =>
    onProgress((index + fraction) / count, note);
