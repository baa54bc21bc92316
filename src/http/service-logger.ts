import type { LoggerService } from '@nestjs/common';
import { type DestinationStream, type Logger, pino } from 'pino';
import type { LogLevel } from '../config.js';
import { plainWord } from '../event-sourcing/error-names.js';

type Level = Exclude<LogLevel, 'silent'>;
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * JSON lines on standard output, Nest's own messages among them. An error is never logged with its message: messages
 * quote what they choked on (`JSON.parse` does), and that may be personal.
 */
export class ServiceLogger implements LoggerService {
  private readonly pino: Logger;

  constructor(level: LogLevel, destination?: DestinationStream) {
    const options = { level, base: null, formatters: { level: (label: string) => ({ level: label }) } };
    this.pino = destination === undefined ? pino(options) : pino(options, destination);
  }

  /** @param fields only what the caller names here is logged: ids, routes, counts, codes; never a request's content */
  event(level: Level, message: string, fields: LogFields = {}): void {
    this.pino[level](fields, message);
  }

  /** Nest's own account of its start: a line for each module and route. */
  log(message: unknown, ...rest: unknown[]): void {
    this.bridge('debug', message, rest);
  }
  warn(message: unknown, ...rest: unknown[]): void {
    this.bridge('warn', message, rest);
  }
  error(message: unknown, ...rest: unknown[]): void {
    this.bridge('error', message, rest);
  }
  fatal(message: unknown, ...rest: unknown[]): void {
    this.bridge('fatal', message, rest);
  }
  debug(message: unknown, ...rest: unknown[]): void {
    this.bridge('debug', message, rest);
  }
  verbose(message: unknown, ...rest: unknown[]): void {
    this.bridge('trace', message, rest);
  }

  /** Nest calls `(message, ...details, context)`; an error may be the message, a detail, or a stack given as text. */
  private bridge(level: Level, message: unknown, rest: readonly unknown[]): void {
    const texts = rest.filter((item) => typeof item === 'string');
    const context = texts.findLast((text) => !isStack(text));
    const stack = texts.find(isStack);
    const error = [message, ...rest].find((item) => item instanceof Error);
    const fromError = typeof message !== 'string' || (stack?.includes(message) ?? false);
    this.event(level, fromError ? 'error' : message, {
      ...(context !== undefined && { context }),
      ...(error !== undefined && { error: describeError(error) }),
      ...(error === undefined && stack !== undefined && { error: { stack: frames(stack, '') } }),
    });
  }
}

const isStack = (text: string): boolean => /\n\s+at /.test(text);

/** Name, code, where it was thrown and what caused it: all that is safe to tell of an error. */
export function describeError(error: unknown, depth = 0): LogFields {
  if (!(error instanceof Error)) return { name: typeof error };
  const code: unknown = 'code' in error ? error.code : undefined;
  const store: unknown = 'store' in error ? error.store : undefined;
  const kind: unknown = 'kind' in error ? error.kind : undefined;
  return {
    name: plainWord(error.name) ?? 'Error',
    ...(plainWord(code) !== undefined && { code }),
    ...(plainWord(store) !== undefined && { store }),
    ...(plainWord(kind) !== undefined && { kind }),
    stack: frames(error.stack ?? '', error.message),
    ...(error.cause !== undefined && depth < 3 && { cause: describeError(error.cause, depth + 1) }),
  };
}

/** The frames of a stack, cut behind the message: a message of several lines could look like frames itself. */
function frames(stack: string, message: string): string[] {
  const at = message === '' ? -1 : stack.indexOf(message);
  return stack
    .slice(at === -1 ? 0 : at + message.length)
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.trim());
}
