import type { Position } from '../../event-sourcing/event-store.js';

/**
 * Both halves are kept: of an event they are equal, while a checkpoint met during catch-up is `{commit, prepare: 0}` and must
 * be given back like that.
 */
export interface LogPosition {
  readonly commit: bigint;
  readonly prepare: bigint;
}

const FORM = /^(\d{1,20})\/(\d{1,20})$/;

export function toPosition({ commit, prepare }: LogPosition): Position {
  return `${commit}/${prepare}` as Position;
}

/** @throws RangeError it was made by another kind of log */
export function fromPosition(position: Position): LogPosition {
  const [, commit, prepare] = FORM.exec(position) ?? [];
  if (commit === undefined || prepare === undefined) throw new RangeError('Not a position of an EventStoreDB log');
  return { commit: BigInt(commit), prepare: BigInt(prepare) };
}

export function comparePositions(one: Position, other: Position): number {
  const [a, b] = [fromPosition(one), fromPosition(other)];
  return order(a.commit, b.commit) || order(a.prepare, b.prepare);
}

/** Positions are offsets in the log's files, so their quotient is a share of its bytes. */
export function fractionOf(position: Position, head: Position): number {
  const whole = fromPosition(head).commit;
  return whole === 0n ? 1 : Math.min(1, Number(fromPosition(position).commit) / Number(whole));
}

const order = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);
