import { once } from 'node:events';
import type streams from '@eventstore/db-client/generated/streams_pb.js';
import type { Faults, OpenSubscription } from './faults.js';
import {
  caughtUpMessage,
  checkpointMessage,
  confirmationMessage,
  eventMessage,
  type Refusal,
  unavailable,
} from './messages.js';
import type { ReadCall, Sent } from './reads.js';
import type { Recorded, RecordedLog } from './recorded-log.js';

/** What is scanned between two checkpoints when the client says nothing of it. */
const SEARCH_WINDOW = 32;

/** One client's way through `$all`: what is there, that it has caught up, then what comes. */
export class Subscription implements OpenSubscription {
  private readonly gone = new AbortController();
  private readonly records: readonly Recorded[];
  private readonly wants: (recorded: Recorded) => boolean;
  /** Records from one checkpoint to the next; none are made without a filter. */
  private readonly interval: number;

  constructor(
    private readonly call: ReadCall,
    options: streams.ReadReq.Options,
    private readonly log: RecordedLog,
    private readonly faults: Faults,
    private readonly sent: Sent,
  ) {
    const filter = options.getFilter();
    this.records = log.records;
    this.wants = filter === undefined ? () => true : matcherOf(filter);
    const window = filter?.hasMax() === true ? filter.getMax() : SEARCH_WINDOW;
    this.interval = filter === undefined ? Infinity : window * filter.getCheckpointintervalmultiplier();
  }

  async run(start: number): Promise<void> {
    this.faults.subscriptions.add(this);
    this.call.on('cancelled', () => this.leave());
    try {
      await this.send(confirmationMessage());
      await this.follow(start);
    } catch (error) {
      if (!this.gone.signal.aborted) throw error;
    } finally {
      this.leave();
    }
  }

  end(refusal?: Refusal): void {
    this.leave();
    if (refusal === undefined) this.call.end();
    else this.call.emit('error', refusal);
  }

  private async follow(start: number): Promise<void> {
    let place = start;
    let scanned = 0;
    let live = start === Infinity;
    // A log whose disk was exchanged has other records: those who followed the old ones were cut off.
    while (this.log.records === this.records) {
      for (let one = this.records[place]; one !== undefined; one = this.records[place]) {
        place += 1;
        scanned += 1;
        this.sent.scanned += 1;
        if (this.wants(one)) await this.sendEvent(one);
        // What is left of a window when it catches up counts towards the first checkpoint after.
        if (scanned >= this.interval && (live || place < this.records.length)) {
          this.sent.marks += 1;
          await this.send(live ? checkpointMessage(one.position, one.position) : checkpointMessage(one.end, 0n));
          scanned = 0;
        }
      }
      if (live) {
        const grown = this.records[place] === undefined;
        if (grown) await once(this.log, 'grown', { signal: this.gone.signal });
        await this.faults.late();
      } else await this.send(caughtUpMessage());
      live = true;
    }
  }

  private async sendEvent(recorded: Recorded): Promise<void> {
    this.sent.events += 1;
    await this.send(eventMessage(recorded));
    if (this.faults.killsAfterThisEvent()) this.end(unavailable);
    if (this.faults.marksAfterEveryEvent) await this.send(checkpointMessage(recorded.position, recorded.position));
  }

  private async send(message: streams.ReadResp): Promise<void> {
    const { signal } = this.gone;
    signal.throwIfAborted();
    if (!this.call.write(message)) await once(this.call, 'drain', { signal });
  }

  private leave(): void {
    this.gone.abort();
    this.faults.subscriptions.delete(this);
  }
}

function matcherOf(filter: streams.ReadReq.Options.FilterOptions): (recorded: Recorded) => boolean {
  const expression = filter.getStreamIdentifier() ?? filter.getEventType();
  const prefixes = expression?.getPrefixList() ?? [];
  const regex = new RegExp(expression?.getRegex() ?? '');
  const byStream = filter.hasStreamIdentifier();
  return ({ stream, type }) => {
    const text = byStream ? stream : type;
    return prefixes.length > 0 ? prefixes.some((prefix) => text.startsWith(prefix)) : regex.test(text);
  };
}
