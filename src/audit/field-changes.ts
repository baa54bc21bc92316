import { canonicalJson } from '../event-sourcing/canonical-json.js';
import { isJsonObject, type Json, type JsonObject } from '../event-sourcing/event-store.js';

/** One field that is not what it was. */
export interface FieldChange {
  /** RFC 6901 */
  readonly pointer: string;
  /** Absent where there was nothing. */
  readonly before?: Json;
  /** Absent where nothing is left. */
  readonly after?: Json;
}

/** Not told as changes: they never change, or with every event. */
const PASSED_OVER: ReadonlySet<string> = new Set(['id', 'liveMode', 'updatedTime']);

/**
 * What makes the one record into the other, least first: objects are compared member by member, lists element by element,
 * an element as a whole. A member that came or went is one change, whatever it holds.
 */
export function fieldChanges(before: JsonObject = {}, after: JsonObject = {}): readonly FieldChange[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) => !PASSED_OVER.has(key));
  return keys.flatMap((key) => changesAt(`/${escaped(key)}`, before[key], after[key]));
}

function changesAt(pointer: string, before: Json | undefined, after: Json | undefined): readonly FieldChange[] {
  if (Array.isArray(before) && Array.isArray(after)) return elementChanges(pointer, before, after);
  if (isJsonObject(before) && isJsonObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => changesAt(`${pointer}/${escaped(key)}`, member(before, key), member(after, key)));
  }
  return changed(pointer, before, after);
}

function elementChanges(pointer: string, before: readonly Json[], after: readonly Json[]): readonly FieldChange[] {
  const length = Math.max(before.length, after.length);
  return Array.from({ length }, (_, index) => changed(`${pointer}/${index}`, before[index], after[index])).flat();
}

function changed(pointer: string, before: Json | undefined, after: Json | undefined): readonly FieldChange[] {
  if (isSame(before, after)) return [];
  return [{ pointer, ...(before !== undefined && { before }), ...(after !== undefined && { after }) }];
}

const isSame = (a: Json | undefined, b: Json | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && canonicalJson(a) === canonicalJson(b));

/** Metadata keys are the caller's: `constructor` is one as good as any. */
const member = (object: JsonObject, key: string): Json | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined;

const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');
