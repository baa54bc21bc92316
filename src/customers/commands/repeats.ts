import { timingSafeEqual } from 'node:crypto';
import { type CommandContext, IdempotencyKeyReused } from '../../event-sourcing/command-context.js';
import type { CustomerHistory } from '../customer-history.js';
import type { CustomerCommand } from '../domain/decide.js';
import { customerErased, customerNotFound } from '../domain/errors.js';
import type { PersonalValues } from '../personal-values.js';

export const FINGERPRINT = 'fingerprint';

/**
 * Whether the stream already holds this command (an `Idempotency-Key` sent again), so that it must not take effect twice.
 * A repeat in a life that is over is refused, never answered from another life; its fingerprint can't be opened any more.
 * @throws IdempotencyKeyReused the key was used with another body
 */
export function isRepeat(
  command: CustomerCommand,
  { idempotency }: CommandContext,
  past: CustomerHistory,
  values: PersonalValues | undefined,
): boolean {
  const recorded = idempotency && past.commands.get(idempotency.commandId);
  if (recorded === undefined) return false;
  if (command.kind === 'erase' && past.state.status === 'erased') {
    if (recorded.reasonCode !== command.reasonCode) throw new IdempotencyKeyReused('Used with another body');
    return true;
  }
  if (past.state.status !== 'active' || past.state.life !== recorded.life) {
    const gone = past.state.status === 'deleted' && command.kind !== 'create';
    throw gone ? customerNotFound(command.id) : customerErased(command.id);
  }
  const { fingerprint } = recorded;
  if (fingerprint !== undefined && values !== undefined) {
    const first = values.openText(FINGERPRINT, fingerprint);
    if (!sameText(first, idempotency?.fingerprint ?? '')) throw new IdempotencyKeyReused('Used with another body');
  }
  return true;
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
