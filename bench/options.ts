import { accessSync, constants, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { OPERATIONS } from './operations.js';

/** What can be asked for with `--only`: operations, side by side with the floor or under the profiler, or a later part. */
export const PARTS = [
  ...OPERATIONS,
  'scale',
  'history',
  'audit',
  'feed',
  'streams',
  'profile',
  'lag',
  'catch-up',
] as const;
export type Part = (typeof PARTS)[number];

const EMBEDDED_ONLY: readonly Part[] = ['scale', 'history', 'audit', 'feed', 'streams', 'profile'];
const SERVERS_ONLY: readonly Part[] = ['lag', 'catch-up'];

export interface Options {
  readonly parts: ReadonlySet<Part>;
  /** On the servers that the environment names. */
  readonly onServers: boolean;
  readonly json?: string;
  /** Where the temporary folder is made, and so which disk is measured. */
  readonly dir: string;
  /** Side by side: customers to choose from, rounds of floor and service, seconds each. */
  readonly customers: number;
  readonly rounds: number;
  readonly seconds: number;
  /** At most, for each operation and server. */
  readonly warmUpSeconds: number;
  /** Scale: numbers of customers, ascending, and seconds for each measurement. */
  readonly sizes: readonly number[];
  readonly scaleSeconds: number;
  /** History: events a customer has, and how many such customers. */
  readonly histories: readonly { readonly events: number; readonly customers: number }[];
  /** Evidence: events in the log that is verified and exported, about. */
  readonly evidenceEvents: number;
  /** Feed: the log that is read. */
  readonly feed: { readonly customers: number; readonly eventsEach: number };
  /** Streams: connections held at once, and for how long events are appended, so many a second. */
  readonly streams: { readonly connections: number; readonly rate: number; readonly seconds: number };
  /**
   * On servers: customers to choose from side by side, and to append to, seconds of steady appends, and the log that is gone
   * through from its beginning.
   */
  readonly stores: {
    readonly customers: number;
    readonly lagCustomers: number;
    readonly seconds: number;
    readonly warmUpSeconds: number;
    readonly catchUp: { readonly customers: number; readonly eventsEach: number };
  };
}

type Effort = Omit<Options, 'parts' | 'onServers' | 'json' | 'dir'>;

const EFFORTS: Readonly<Record<'quick' | 'usual' | 'full', Effort>> = {
  quick: {
    customers: 5_000,
    rounds: 2,
    seconds: 0.5,
    warmUpSeconds: 0.5,
    sizes: [1_000, 10_000],
    scaleSeconds: 0.3,
    histories: histories(300, 60, 20),
    evidenceEvents: 20_000,
    feed: { customers: 2_000, eventsEach: 5 },
    streams: { connections: 100, rate: 20, seconds: 3 },
    // So few customers that a look-alike, which takes some hundred writes a second, can follow: it gets theirs folded.
    stores: {
      customers: 150,
      lagCustomers: 20,
      seconds: 3,
      warmUpSeconds: 1,
      catchUp: { customers: 50, eventsEach: 20 },
    },
  },
  usual: {
    customers: 20_000,
    rounds: 3,
    seconds: 2.2,
    warmUpSeconds: 6,
    sizes: [1_000, 10_000, 100_000],
    scaleSeconds: 0.8,
    histories: histories(2_000, 500, 100),
    evidenceEvents: 100_000,
    feed: { customers: 10_000, eventsEach: 5 },
    streams: { connections: 1_000, rate: 20, seconds: 10 },
    stores: {
      customers: 20_000,
      lagCustomers: 1_000,
      seconds: 20,
      warmUpSeconds: 4,
      catchUp: { customers: 10_000, eventsEach: 5 },
    },
  },
  full: {
    customers: 20_000,
    rounds: 5,
    seconds: 4,
    warmUpSeconds: 8,
    sizes: [1_000, 10_000, 100_000, 1_000_000],
    scaleSeconds: 2,
    histories: histories(4_000, 1_000, 300),
    evidenceEvents: 1_000_000,
    feed: { customers: 40_000, eventsEach: 5 },
    streams: { connections: 1_000, rate: 20, seconds: 30 },
    stores: {
      customers: 20_000,
      lagCustomers: 1_000,
      seconds: 60,
      warmUpSeconds: 10,
      catchUp: { customers: 40_000, eventsEach: 5 },
    },
  },
};

const AFTER_HELP = `
profile runs only when asked for; the operations named with it are then profiled and not compared.
--stores compares the same operations, and then measures the log to view lag and the catch-up (lag, catch-up), on servers:
  EVENTSTORE_URL     where the event log is, for instance esdb://localhost:2113?tls=false
  MONGODB_URL        where all else is, for instance mongodb://localhost:27017
  KEYS_MONGODB_URL   where the subject keys are, if not there too
Databases of its own are made there and dropped again; its events stay in the log, in streams that begin with bench-. Use
servers that hold nothing of value. scale, history, audit, feed, streams and profile are about the embedded
stores and do not run with it.
Exit codes: 0 measured (whatever the figures), 1 something failed, 2 called wrongly.`;

function histories(ten: number, hundred: number, thousand: number): Options['histories'] {
  return [
    { events: 10, customers: ten },
    { events: 100, customers: hundred },
    { events: 1_000, customers: thousand },
  ];
}

/** Ends the process for `--help`, and with 2 for what it does not understand. */
export function readOptions(argv: readonly string[]): Options {
  const program = new Command('npm run bench --')
    .description(
      'Measures the service side by side with a floor that does everything but the work: on its embedded stores, or on servers.',
    )
    .addOption(
      new Option('--quick', 'a minute or two: shows that the bench works, not how fast the service is').conflicts(
        'full',
      ),
    )
    .option('--full', 'with a million customers (embedded), longer and more rounds')
    .option('--stores', 'on the servers that EVENTSTORE_URL and MONGODB_URL name')
    .option('--only <parts>', `comma-separated, of: ${PARTS.join(', ')}`, readParts)
    .option('--json <file>', 'write the figures there as well', readFile)
    .option(
      '--dir <folder>',
      'measure the disk of this folder; what is made there is removed again',
      readFolder,
      tmpdir(),
    )
    .addHelpText('after', AFTER_HELP)
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
    .parse(argv);
  const given = program.opts<Given>();
  const effort = EFFORTS[given.quick ? 'quick' : given.full ? 'full' : 'usual'];
  const onServers = given.stores === true;
  const notHere = onServers ? EMBEDDED_ONLY : SERVERS_ONLY;
  const parts = given.only ?? new Set(PARTS.filter((part) => part !== 'profile' && !notHere.includes(part)));
  const misplaced = notHere.find((part) => parts.has(part));
  if (misplaced !== undefined) {
    program.error(`error: ${misplaced} runs only ${onServers ? 'without' : 'with'} --stores`);
  }
  return { ...effort, parts, onServers, dir: given.dir, ...(given.json !== undefined && { json: given.json }) };
}

interface Given {
  readonly quick?: true;
  readonly full?: true;
  readonly stores?: true;
  readonly only?: ReadonlySet<Part>;
  readonly json?: string;
  readonly dir: string;
}

function readParts(value: string): ReadonlySet<Part> {
  const names = value.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !isPart(name));
  if (unknown !== undefined) throw new InvalidArgumentError(`There is no part "${unknown}".`);
  return new Set(names.filter(isPart));
}

function readFolder(folder: string): string {
  if (!isWritableFolder(folder)) throw new InvalidArgumentError('Not a folder that can be written to.');
  return folder;
}

/** Found out now and not when all is measured. */
function readFile(file: string): string {
  if (!isWritableFolder(dirname(resolve(file)))) throw new InvalidArgumentError('Its folder can not be written to.');
  return file;
}

function isWritableFolder(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return statSync(folder).isDirectory();
  } catch {
    return false;
  }
}

const isPart = (name: string): name is Part => (PARTS as readonly string[]).includes(name);
