import { closeSync, openSync } from 'node:fs';
import { hasCode } from './error-fields.js';

/**
 * Makes the file for its owner only, unless it is there; what SQLite puts beside it gets the same rights. Never opens one
 * that is there: closing a descriptor of it again would drop all locks this process has on it (POSIX).
 */
export function createPrivately(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
}
