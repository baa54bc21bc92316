export interface Finding {
  readonly kind: 'manipulation' | 'gap';
  readonly what: string;
  readonly message: string;
  readonly stream?: string;
  readonly revision?: number;
  readonly eventId?: string;
}
export interface Result {
  readonly verdict: 'sound' | 'manipulation' | 'gaps';
  readonly findings: readonly Finding[];
  readonly notes: readonly string[];
  readonly events: number;
}
export interface Trusted {
  readonly keys?: readonly string[];
  readonly checkpoints?: readonly string[];
}
export function verifyExport(folder: string, trusted?: Trusted): Promise<Result>;
export function canonical(value: unknown): string;
export const KNOWN_TYPES: readonly string[];
export function replay(view: unknown, event: object): unknown;
