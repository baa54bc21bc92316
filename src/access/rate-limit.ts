import { Inject, Injectable } from '@nestjs/common';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { CONFIG, type Config } from '../config.js';
import { ApiError, ERRORS, fault } from '../http/errors.js';

const WINDOW_SECONDS = 1;

/**
 * So many requests a second and principal, counted from the first of each second. In this process only: N instances let N
 * times as many through. A counter lives for its second, so that memory grows with those who ask in one second at most.
 */
@Injectable()
export class RateLimit {
  private readonly limiter: RateLimiterMemory | undefined;

  constructor(@Inject(CONFIG) { rateLimit }: Pick<Config, 'rateLimit'>) {
    if (rateLimit > 0) this.limiter = new RateLimiterMemory({ points: rateLimit, duration: WINDOW_SECONDS });
  }

  /** Counts one request. @throws ApiError too_many_requests, with `Retry-After` (RFC 9110, 10.2.3) in whole seconds */
  async count(principal: string): Promise<void> {
    try {
      await this.limiter?.consume(principal);
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      const seconds = Math.max(1, Math.ceil(refusal.msBeforeNext / 1000));
      const { message } = ERRORS.too_many_requests.example;
      throw new ApiError([fault('too_many_requests', message)], { 'Retry-After': String(seconds) });
    }
  }
}
