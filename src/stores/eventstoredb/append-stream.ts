import type { Duplex } from 'node:stream';
import uuids from '@eventstore/db-client/dist/utils/grpcUUID.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { ResendPolicy } from './resend-policy.js';

/** The server closed the stream of appends without an error. */
class AppendStreamEnded extends Error {
  override readonly name = 'AppendStreamEnded';
}

interface InFlight {
  readonly id: string;
  readonly message: streams.BatchAppendReq;
  readonly begunAt: number;
  sentAt: number;
  sends: number;
  readonly refusals: streams.BatchAppendResp[];
  timer?: NodeJS.Timeout;
}

/** After so long an append that may not be sent again now is looked at again; one with less left is not sent again at all. */
const LATER_MS = 50;

type Listener = (message: unknown) => void;

/**
 * Mends the one stream on which all appends of a client go out and all their answers come back; what of the client is at
 * fault stands at each step. An append to which nothing is answered is sent again as it was: the server drops an append in
 * silence while the same one is written and not indexed yet, and expects that. It is one append however often it is sent.
 * @param lifeMs how long anybody waits for an answer
 */
export function mendAppends(stream: Duplex, policy: ResendPolicy, lifeMs: number): void {
  new AppendStream(stream, policy, lifeMs);
}

class AppendStream {
  private readonly inFlight = new Map<string, InFlight>();
  private readonly client: readonly Listener[];
  private readonly send: (message: unknown) => void;

  constructor(
    stream: Duplex,
    private readonly policy: ResendPolicy,
    private readonly lifeMs: number,
  ) {
    this.client = stream.listeners('data').map((listener) => (answer) => {
      Reflect.apply(listener, stream, [answer]);
    });
    stream.removeAllListeners('data');
    stream.on('data', (answer: unknown) => this.receive(answer));
    const write: unknown = stream.write.bind(stream);
    this.send = (message) => {
      Reflect.apply(write as Listener, stream, [message]);
    };
    // When it is told to wait the client queues; the queue of a stream that breaks is an unhandled rejection for each entry.
    // What waits is bounded by the time-out of each append.
    Reflect.set(stream, 'write', (message: unknown) => {
      if (message instanceof streams.BatchAppendReq) this.track(message);
      this.send(message);
      return true;
    });
    // A stream that the server has closed cleanly is written to for ever, and never answers.
    let failed = false;
    stream.once('error', () => (failed = true));
    stream.once('end', () => stream.destroy(failed ? undefined : new AppendStreamEnded()));
    for (const end of ['error', 'end', 'close']) {
      stream.once(end, () => {
        for (const append of this.inFlight.values()) this.forget(append);
      });
    }
  }

  private track(message: streams.BatchAppendReq): void {
    // A time of day, which the server holds against its own clock: one that is ahead would refuse every append. Without it
    // the server has a time-out of its own.
    message.getOptions()?.clearDeadline();
    const id = idOf(message);
    // The parts of a large append, which is not sent again: it may well be that which makes the server slow.
    const isPart = !message.getIsFinal() || message.getOptions() === undefined;
    if (this.inFlight.has(id)) return;
    const now = performance.now();
    const append: InFlight = { id, message, begunAt: now, sentAt: now, sends: 1, refusals: [] };
    this.inFlight.set(id, append);
    this.wait(append, isPart ? undefined : this.policy.patienceMs(1));
  }

  /** @param ms until it is sent again, if it is */
  private wait(append: InFlight, ms = Infinity): void {
    const left = append.begunAt + this.lifeMs - performance.now();
    append.timer =
      ms + LATER_MS < left ? setTimeout(() => this.resend(append), ms) : setTimeout(() => this.expire(append), left);
  }

  private resend(append: InFlight): void {
    const now = performance.now();
    // Others may have shown meanwhile that the server is slower than was thought.
    const early = append.sentAt + (this.policy.patienceMs(append.sends) ?? Infinity) - now;
    if (early > 1) {
      this.wait(append, early);
      return;
    }
    if (append.sends === 1 && !this.policy.takeDoubt()) {
      this.wait(append, LATER_MS);
      return;
    }
    append.sends += 1;
    append.sentAt = now;
    this.wait(append, this.policy.patienceMs(append.sends));
    this.send(append.message);
  }

  /** The client keeps an append in its table until it is answered: one that never is would stay there for good. */
  private expire(append: InFlight): void {
    this.forget(append);
    // Taken out of the table, and then thrown at: nobody waits for it any more.
    this.answer(new streams.BatchAppendResp().setCorrelationId(append.message.getCorrelationId()));
  }

  private receive(answer: unknown): void {
    if (!(answer instanceof streams.BatchAppendResp)) return;
    const append = this.inFlight.get(idOf(answer));
    // It has been answered before, or nobody waits for it any more.
    if (append === undefined) return;
    if (!answer.hasSuccess() && !this.isRefused(append, answer)) return;
    this.policy.answered(performance.now() - append.begunAt, append.sends);
    this.forget(append);
    this.answer(answer);
  }

  /**
   * A refusal is about one sending, and says nothing of those that are still to be answered: so it counts once all of them
   * have been refused in the same words. Where these differ one may have been written, and the outcome stays unknown.
   */
  private isRefused(append: InFlight, refusal: streams.BatchAppendResp): boolean {
    append.refusals.push(refusal);
    const areAll = append.refusals.length === append.sends;
    return areAll && append.refusals.every((one) => wordsOf(one) === wordsOf(refusal));
  }

  /** An answer to what it has forgotten throws within the client where nobody catches: it forgets all when any stream breaks. */
  private answer(answer: streams.BatchAppendResp): void {
    for (const listener of this.client) {
      try {
        listener(answer);
      } catch {
        // Its append has been answered as unknown.
      }
    }
  }

  private forget(append: InFlight): void {
    clearTimeout(append.timer);
    this.inFlight.delete(append.id);
    if (append.sends > 1) this.policy.endDoubt();
  }
}

const idOf = (message: streams.BatchAppendReq | streams.BatchAppendResp): string =>
  uuids.parseUUID(message.getCorrelationId()) ?? '';

function wordsOf(refusal: streams.BatchAppendResp): string {
  const error = refusal.getError();
  return `${error?.getDetails()?.getTypeName() ?? ''} ${error?.getMessage() ?? ''}`;
}
