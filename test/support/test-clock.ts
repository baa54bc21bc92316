import { Clock } from '../../src/event-sourcing/clock.js';

/** A clock that moves only when told to. Starts at a fixed time. */
export class TestClock extends Clock {
  constructor(private time = Date.parse('2026-01-01T00:00:00.000Z')) {
    super();
  }
  override now(): number {
    return this.time;
  }
  advance(ms: number): void {
    this.time += ms;
  }
}
