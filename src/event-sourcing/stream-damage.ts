/**
 * - `removed`: the stream was deleted, softly or with a tombstone
 * - `cut`: events are missing from it, at its beginning or in the middle
 * - `altered`: it holds an event that this service did not write, or not like that
 */
export const DAMAGES = ['removed', 'cut', 'altered'] as const;
export type DamageKind = (typeof DAMAGES)[number];

const MESSAGES: Readonly<Record<DamageKind, string>> = {
  removed: 'The stream was deleted',
  cut: 'Events are missing from the stream',
  altered: 'The stream holds an event that the service did not write',
};

/**
 * Permanent damage of one stream: no retry helps before an operator has repaired it. Never thrown for an outage.
 * Answered as 500 `log_altered`.
 */
export class StreamDamaged extends Error {
  override readonly name = 'StreamDamaged';
  constructor(
    readonly stream: string,
    readonly damage: DamageKind,
    /** Of the first event at fault, where one is. */
    readonly revision?: number,
    options?: ErrorOptions,
  ) {
    super(MESSAGES[damage], options);
  }
}

/**
 * The event that should have this revision is missing, and another stands there. A stream that begins later was truncated:
 * what is left of it is sound, and was delivered.
 */
export const cutAt = (stream: string, revision: number): StreamDamaged =>
  new StreamDamaged(stream, 'cut', revision === 0 ? undefined : revision);
