import type { FieldChanges } from './fields.js';
import type { OnlyAsStored } from './stored-values.js';

/** What a create or an update asks for. Absent: leave as it is. `null`: clear. Checked for shape before it gets here. */
export interface CustomerChanges extends FieldChanges {
  readonly defaultSourceId?: string | null | undefined;
  readonly requestToBeForgotten?: boolean | undefined;
  readonly onlyAsStored?: readonly OnlyAsStored[];
}
