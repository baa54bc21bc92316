import { InvalidArgumentError } from 'commander';
import { isFree, notFree } from '../http/free-text.js';

const MAX_CHARACTERS = 100;

/** Lists print a key on a line, its columns separated by tabs. @throws InvalidArgumentError */
export function parseKeyName(value: string): string {
  const { length } = Array.from(value);
  if (length < 1 || length > MAX_CHARACTERS) {
    throw new InvalidArgumentError(`It must have 1 to ${String(MAX_CHARACTERS)} characters.`);
  }
  if (!isFree('line', value)) throw new InvalidArgumentError(`It ${notFree('line')}.`);
  return value;
}
