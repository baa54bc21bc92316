import { Logger } from '@nestjs/common';
import type { FailureLog } from './event-sourcing/repeated-failure.js';

/** The log of the service, under this name, for work that runs beside the requests. */
export function followerLog(name: string): FailureLog {
  const logger = new Logger(name);
  return {
    warn: (message, details) => {
      logger.warn(`${message} ${JSON.stringify(details)}`);
    },
    error: (message, details) => {
      logger.error(`${message} ${JSON.stringify(details)}`);
    },
  };
}
