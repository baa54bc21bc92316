import { Logger } from '@nestjs/common';
import type { FollowerLog } from './event-sourcing/log-follower.js';

/** What works on its own, beside the requests, warns in the log of the service, under this name. */
export function followerLog(name: string): FollowerLog {
  const logger = new Logger(name);
  return {
    warn: (message, details) => {
      logger.warn(`${message} ${JSON.stringify(details)}`);
    },
  };
}
