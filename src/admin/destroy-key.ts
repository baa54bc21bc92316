import { openPrivacy } from '../adapters.js';
import { customerStream } from '../customers/streams.js';
import { recordUse } from './audit-use.js';
import { quarantineOf } from './customers.js';
import { type Opened, withStores } from './with-stores.js';

export const destroyKey = (id: string): Promise<void> => withStores((opened) => destroyKeysOf(opened, id));

/**
 * Destroys the keys of every incarnation of a customer that is set aside, and so can't be erased by a request. Only of such a
 * one: else the log would not say it.
 */
async function destroyKeysOf({ config, stores }: Opened, id: string): Promise<void> {
  const quarantine = await quarantineOf(stores);
  if (!quarantine.isSetAside(customerStream(id))) {
    throw new Error('The customer is not set aside: erase it by POST /customers/{id}/erasure.');
  }
  const view = await stores.customerViews.get(id);
  if (view?.legalHold === true) throw new Error('The customer is under a legal hold.');
  const { keys, subjectKeys } = await openPrivacy(config, stores);
  let revision = Math.max(1, view?.life ?? 1);
  // A view that is gone, or behind, does not tell of the last one.
  while ((await subjectKeys.find({ subject: id, revision: revision + 1 })).status !== 'none') revision += 1;
  await recordUse(stores.eventStore, {
    action: 'privacy destroy-key',
    customerId: id,
    details: { incarnations: revision },
  });
  for (; revision > 0; revision -= 1) await keys.destroy({ subject: id, revision });
  console.log('The keys of the customer are destroyed. Nothing sealed with them can be read again, anywhere.');
}
