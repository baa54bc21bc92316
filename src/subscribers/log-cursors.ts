import { createHash } from 'node:crypto';
import type { EventStore, Position } from '../event-sourcing/event-store.js';
import { ApiError } from '../http/errors.js';

const FORM = /^[A-Za-z0-9_-]{1,256}$/;
const SUM_CHARACTERS = 8;

/**
 * A place in the log as its readers carry it: log id, position and a sum that tells a damaged one, base64url. It holds
 * nothing else, so it can stand in addresses and logs. Undefined, and a cursor without position, are the beginning.
 */
export class LogCursors {
  constructor(
    private readonly logId: string,
    private readonly store: Pick<EventStore, 'comparePositions'>,
  ) {}

  write(position: Position | undefined): string {
    const text = `${this.logId} ${position ?? ''}`;
    return Buffer.from(`${sumOf(text)}${text}`).toString('base64url');
  }

  /**
   * @param parameter where it was given, for the answer
   * @throws ApiError invalid_parameter for what is no cursor, cursor_gone for one of another log
   */
  read(cursor: string, parameter: string): Position | undefined {
    const text = FORM.test(cursor) ? Buffer.from(cursor, 'base64url').toString() : '';
    const content = text.slice(SUM_CHARACTERS);
    const space = content.indexOf(' ');
    if (space === -1 || sumOf(content) !== text.slice(0, SUM_CHARACTERS)) throw notACursor(parameter);
    if (content.slice(0, space) !== this.logId) throw cursorGone(parameter);
    const position = content.slice(space + 1);
    return position === '' ? undefined : this.checked(position, parameter);
  }

  private checked(text: string, parameter: string): Position {
    const position = text as Position;
    try {
      this.store.comparePositions(position, position);
      return position;
    } catch {
      throw notACursor(parameter);
    }
  }
}

/** Of another log, or of a later state of this one, which was restored since. */
export const cursorGone = (parameter: string): ApiError =>
  ApiError.of('cursor_gone', 'The cursor is of another event log: begin anew without it', parameter);

const notACursor = (parameter: string): ApiError =>
  ApiError.of('invalid_parameter', `${parameter} must be a cursor that this service gave`, parameter);

const sumOf = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, SUM_CHARACTERS);
