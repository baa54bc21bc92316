import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { temporaryFolder } from '../support/service-process.js';

/** A request that `tools/released/make.mjs` made, and what the release answered. */
export interface Answered {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** The name of an API key in {@link Expectations.fixtureKeys}. */
  readonly key: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly status: number;
  readonly etag?: string;
  /** Parsed where it was JSON; absent where it was empty. */
  readonly answer?: unknown;
}

export interface Streamed {
  readonly key: string;
  readonly lastEventId?: string;
  readonly events: readonly { readonly id: string; readonly data: unknown }[];
}

export interface Inclusion {
  readonly eventId: string;
  readonly leafIndex: number;
  readonly hash: string;
  readonly leafHash: string;
}

export interface Expectations {
  readonly release: string;
  readonly left: 'clean' | 'killed';
  /** When the release left the folder, by the clock of the service. */
  readonly leftTime: string;
  /** The environment of a service on the folder. */
  readonly settings: Readonly<Record<string, string>>;
  /** Secrets of API keys by name; they protect nothing but the fixture. */
  readonly fixtureKeys: Readonly<Record<string, string>>;
  /** SHA-256 of each file, hex. */
  readonly files: Readonly<Record<string, string>>;
  /** Ids of customers that can be changed. */
  readonly living: readonly string[];
  readonly held: string;
  readonly pending: string;
  /** Id of a customer that was created and deleted after the last recorded answer; the deletion is not finished. */
  readonly unfinished: string;
  /** By name. The secret is absent where it was lost with the master key that wrapped it. */
  readonly webhooks: Readonly<Record<string, { readonly id: string; readonly secret?: string }>>;
  readonly tree: {
    readonly origin: string;
    readonly keys: readonly string[];
    /** What `audit verify` came to. */
    readonly verdict: string;
    readonly checkpoint: string;
    readonly inclusions: readonly Inclusion[];
  };
  readonly answers: readonly Answered[];
  readonly streams: readonly Streamed[];
}

export interface Fixture {
  /** As in `0.1.0 clean`. */
  readonly name: string;
  /** The data folder as committed; open a copy only. */
  readonly folder: string;
  /** The event log as JSON lines, where the fixture has it. */
  readonly log: string | undefined;
  readonly expectations: Expectations;
}

const ROOT = 'test/released';
/** Long enough for every lease to end, too short for an erasure to fall due. */
const LATER_MS = 7 * 24 * 3_600_000;

/** More than a service gets that does not start: it is ended before. */
export const START_MS = 90_000;

const foldersIn = (path: string): string[] =>
  readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();

/** Every folder of every release; a new one is found by itself. */
export const FIXTURES: readonly Fixture[] = foldersIn(ROOT).flatMap((release) =>
  foldersIn(join(ROOT, release)).map((left) => {
    const place = join(ROOT, release, left);
    const log = join(place, 'log.jsonl');
    const text = readFileSync(join(place, 'expectations.json'), 'utf8');
    return {
      name: `${release} ${left}`,
      folder: join(place, 'folder'),
      log: existsSync(log) ? log : undefined,
      expectations: JSON.parse(text) as Expectations,
    };
  }),
);

export const sumsOf = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder).map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex'),
    ]),
  );

/** A copy to work on. Git keeps no file modes: the copy gets those that the service gives its files. */
export async function copyOf({ folder }: Fixture): Promise<string> {
  const copy = await temporaryFolder();
  await chmod(copy, 0o700);
  for (const name of readdirSync(folder)) {
    await copyFile(join(folder, name), join(copy, name));
    await chmod(join(copy, name), 0o600);
  }
  return copy;
}

/**
 * For a process of the service on a copy of the folder. Its clock begins a week after the folder was left, whatever the date is:
 * nothing in a fixture falls due because years went by.
 */
export function launchOptions({ expectations }: Fixture, dataDir: string) {
  const { settings, leftTime } = expectations;
  return {
    dataDir,
    env: { ...settings, LOG_LEVEL: 'silent', CLOCK_SHIFT_MS: String(openedAt(leftTime) - Date.now()) },
    nodeArgs: ['--import', pathToFileURL('test/support/shifted-clock.mjs').href],
  };
}

/** Milliseconds since the epoch. */
export const openedAt = (leftTime: string): number => Date.parse(leftTime) + LATER_MS;
