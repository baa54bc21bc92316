import { setTimeout as delay } from 'node:timers/promises';

/** Gathers what many writers append, so that following costs a batch and not each event its own. */
const GATHER_MS = 10;

let gathering: Promise<void> | undefined;

/**
 * For whoever follows the log and has caught up: resolves a little later, for all of this process at once, so that they
 * are woken together and find what is new read already. Too short to be worth an end of its own.
 */
export function gathered(): Promise<void> {
  gathering ??= delay(GATHER_MS).then(() => {
    gathering = undefined;
  });
  return gathering;
}
