import type { Command } from 'commander';
import { openPrivacy, type Privacy, type Stores } from '../adapters.js';
import { isSigned, type SignedNote, verifierKeys } from '../audit/checkpoint-note.js';
import { EXIT_CODES, type Finding } from '../audit/verify-findings.js';
import { NOT_COVERED, type Verification, verify } from '../audit/verify-service.js';
import { VerificationLog } from '../audit/verification-log.js';
import { PersonalValues } from '../customers/personal-values.js';
import type { CustomerView } from '../customers/read-model/customer-view.js';
import { EmailIndexing } from '../customers/read-model/email-indexing.js';
import { SystemClock } from '../event-sourcing/clock.js';
import { collectHeld, OPERATOR, projectedPosition, recordUse } from './audit-use.js';
import { progressBar } from './progress-bar.js';
import { type Opened, withStores } from './with-stores.js';
import { namesOf } from '../event-sourcing/error-names.js';

interface VerifyOptions {
  readonly checkpoint?: readonly SignedNote[];
}

export function addAuditVerifyCommand(audit: Command): void {
  audit
    .command('verify')
    .description(
      'Check every event, the tree, its checkpoints and every view, beside the running service or without it.\n' +
        'Exit codes: 0 sound, 1 manipulation, 2 gaps (something could not be shown), 3 could not run.',
    )
    .option('--checkpoint <file>', 'a checkpoint that was held outside; can be given several times', collectHeld)
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT_CODES.couldNotRun))
    .action(async (options: VerifyOptions) => {
      try {
        process.exitCode = EXIT_CODES[await withStores((opened) => run(opened, options.checkpoint ?? []))];
      } catch (error) {
        console.error(`Could not run: ${error instanceof Error ? error.message : namesOf(error)}`);
        process.exitCode = EXIT_CODES.couldNotRun;
      }
    });
}

async function run({ config, stores }: Opened, held: readonly SignedNote[]): Promise<Verification['verdict']> {
  const privacy = await openPrivacy(config, stores);
  const keysOf = (origin: string) => verifierKeys(privacy.signing, origin);
  const stranger = held.find((note) => !isSigned(note, keysOf(note.origin)));
  if (stranger !== undefined) throw new Error('A checkpoint that was given is not signed by a key of this service.');
  await recordUse(stores.eventStore, { action: 'audit verify' });
  const projected = await projectedPosition(stores);
  const bar = progressBar('Verifying');
  const started = performance.now();
  const result = await verify({
    store: stores.eventStore,
    tree: stores.auditTree,
    views: stores.customerViews,
    projected,
    keysOf,
    emailIndexes: (views) => emailIndexes(privacy, views),
    outside: held.map((note) => ({ ...note, isOutside: true })),
    now: Date.now(),
    onProgress: (fraction, events) => {
      bar.update(fraction, `${String(events)} events`);
    },
  }).finally(() => {
    bar.stop();
  });
  tell(result, held.length, performance.now() - started);
  await keep(stores, result, held.length);
  return result.verdict;
}

/** For the page, and whoever asks later when it was last looked. What was found is told already, so nothing is thrown. */
async function keep({ eventStore }: Stores, result: Verification, held: number): Promise<void> {
  try {
    await new VerificationLog(eventStore, new SystemClock()).record(result, held, OPERATOR);
  } catch (error) {
    console.error(`The outcome could not be kept in the log: ${namesOf(error)}`);
  }
}

/** Those of addresses that can be opened; a customer erased meanwhile has none. */
async function emailIndexes(
  { keys, secrets }: Privacy,
  views: readonly CustomerView[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const emails = new EmailIndexing(secrets);
  const wanted = views.filter(({ email }) => email !== undefined);
  const refs = wanted.map(({ id, life }) => ({ subject: id, revision: life }));
  const held = await keys.findMany(refs);
  const indexes = new Map<string, readonly string[]>();
  for (const [at, { id, email }] of wanted.entries()) {
    const [key, ref] = [held[at], refs[at]];
    if (email === undefined || ref === undefined || key === undefined || key === 'none' || key === 'erased') continue;
    try {
      indexes.set(id, emails.indexesOf(new PersonalValues(key, ref).openText('email', email)));
    } catch {
      // A value that does not open is none that the log holds: comparing the view with its replay tells of it.
    }
  }
  return indexes;
}

const WORDS = {
  sound: 'SOUND',
  manipulation: 'MANIPULATION',
  gaps: 'GAPS: nothing contradicts, but something could not be shown',
} as const;

function tell(result: Verification, held: number, ms: number): void {
  for (const finding of result.findings) console.log(`- ${lineOf(finding)}`);
  if (result.untold > 0) console.log(`- and ${String(result.untold)} more`);
  const { events, leaves, streams, views, checkpoints, uncovered } = result;
  console.log(
    `${String(events)} events in ${String(streams)} streams, ${String(leaves)} leaves, ${String(checkpoints)} checkpoints, ` +
      `${String(views)} views in ${String(Math.round(ms / 100) / 10)} s; ${String(uncovered)} events behind the last checkpoint.`,
  );
  if (held === 0) {
    console.log('No checkpoint held outside was given: whoever has data and signing key can rewrite both.');
  }
  console.log(`Not covered by any hash: ${NOT_COVERED.join('; ')}.`);
  console.log(WORDS[result.verdict]);
}

function lineOf({ message, event }: Finding): string {
  if (event === undefined) return message;
  const id = event.eventId === undefined ? '' : `, event ${event.eventId}`;
  const leaf = event.leafIndex === undefined ? '' : `, leaf ${String(event.leafIndex)}`;
  return `${message} [${event.stream}, revision ${String(event.revision)}${id}${leaf}]`;
}
