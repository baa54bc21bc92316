import { appendFileSync } from 'node:fs';

/**
 * Says that something is left out of this run, and why; the run names it, loudly, at its end.
 *
 * Called beside the condition, for instance where a suite is not registered because no server is named for it.
 */
export const notRun = (what: string, why: string): void => {
  const file = process.env.NOT_RUN_FILE;
  // Lines of this size are appended whole, also when several workers write at once.
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ what, why })}\n`);
};
