import { closeSync, fdatasyncSync, openSync, statfsSync, unlinkSync, writeSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release } from 'node:os';
import { join } from 'node:path';

/** What the figures hang on besides the code. */
export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly node: string;
  readonly system: string;
  /** Median time to make 4 KB durable on the disk that is measured, in milliseconds: the floor of any single write. */
  readonly syncMs: number;
  /** A disk in memory: durability costs nothing there, and the figures of writes mean nothing. */
  readonly inMemory: boolean;
}

const TMPFS = 0x0102_1994;

export function describeMachine(folder: string): Machine {
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    node: process.version,
    system: `${process.platform} ${release()}`,
    syncMs: medianSync(join(folder, 'sync-probe')),
    inMemory: statfsSync(folder).type === TMPFS,
  };
}

/** Over 1, 5 and 15 minutes. */
export const loadAverage = (): string =>
  loadavg()
    .map((load) => load.toFixed(1))
    .join(' ');

function medianSync(file: string): number {
  const descriptor = openSync(file, 'w');
  try {
    const block = Buffer.alloc(4096, 1);
    const times = Array.from({ length: 100 }, () => {
      const started = performance.now();
      writeSync(descriptor, block);
      fdatasyncSync(descriptor);
      return performance.now() - started;
    });
    return median(times);
  } finally {
    closeSync(descriptor);
    unlinkSync(file);
  }
}

/** By a clock that all processes of the machine share and that nobody sets. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** The smallest of the values that so many of a hundred do not exceed. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)] ?? NaN;
}
