import type { CustomerChanges } from './changes.js';

import { type CustomerCommand, decide } from './decide.js';
import { CustomerError } from './errors.js';
import type { CustomerEvent } from './events.js';
import { evolve } from './evolve.js';
import { type CustomerState, noCustomer } from './state.js';

const id = 'c1';
const source = (sourceId: string) => ({ sourceId, state: 'chargeable', reusable: true });
const created = (data: Partial<Extract<CustomerEvent, { type: 'CustomerCreated' }>['data']> = {}): CustomerEvent => ({
  type: 'CustomerCreated',
  data: { enabled: true, ...data },
});
const deleted: CustomerEvent = { type: 'CustomerDeleted', data: { keyRevision: 1 } };
const erased: CustomerEvent = { type: 'CustomerErased', data: { keyRevision: 1, cause: 'requested' } };
const attached = (sourceId: string): CustomerEvent => ({ type: 'SourceAttached', data: source(sourceId) });
const detached = (sourceId: string): CustomerEvent => ({ type: 'SourceDetached', data: { sourceId } });
const defaultIs = (sourceId: string | null): CustomerEvent => ({ type: 'DefaultSourceChanged', data: { sourceId } });
const requested: CustomerEvent = { type: 'ForgetRequested', data: { dueAt: '2026-02-01T00:00:00.000Z' } };

const update = (changes: CustomerChanges): CustomerCommand => ({ kind: 'update', id, changes });
const create = (changes: CustomerChanges): CustomerCommand => ({ kind: 'create', id, changes });
const forget = (changes: CustomerChanges = {}): CustomerCommand => ({
  kind: 'forget',
  id,
  changes,
  dueAt: '2026-03-01T00:00:00.000Z',
});
const eraseDue = (now: string): CustomerCommand => ({ kind: 'erase', id, cause: 'grace_period_over', now });
const eraseNow: CustomerCommand = { kind: 'erase', id, cause: 'requested', now: '2026-01-01T00:00:00.000Z' };
const remove: CustomerCommand = { kind: 'delete', id };
const attach = (sourceId: string, life = 1): CustomerCommand => ({
  kind: 'attach_source',
  id,
  claim: { source: source(sourceId), life },
});
const detach = (sourceId: string): CustomerCommand => ({ kind: 'detach_source', id, sourceId });

const AT = '2026-01-01T00:00:00.000Z';
const fold = (events: readonly CustomerEvent[]): CustomerState =>
  events.reduce<CustomerState>((state, event) => evolve(state, event, AT), noCustomer);

function given(...history: readonly CustomerEvent[]) {
  return {
    when: (command: CustomerCommand) => ({
      then: (...expected: readonly CustomerEvent[]) => {
        expect(decide(command, fold(history))).toEqual(expected);
      },
      thenRefused: (code: string, parameter?: string) => {
        let refusal: unknown;
        try {
          decide(command, fold(history));
        } catch (error) {
          refusal = error;
        }
        expect(refusal).toBeInstanceOf(CustomerError);
        expect(refusal).toMatchObject({ code, ...(parameter !== undefined && { parameter }) });
      },
    }),
  };
}

const shipping = { name: 'A', address: { country: 'DE' } };
const taxCertificate = { companyName: 'a', taxAuthority: 'b', startDate: 'c', endDate: 'd', fileId: 'e' };

describe('create', () => {
  it('needs no field and enables the customer', () => {
    given().when(create({})).then(created());
  });
  it('records every value given, the certificate as an event of its own', () => {
    given()
      .when(create({ email: 'a@b.c', locale: 'en_US', type: 'business', enabled: false, shipping, taxCertificate }))
      .then(created({ email: 'a@b.c', locale: 'en_US', type: 'business', enabled: false, shipping }), {
        type: 'TaxCertificateAdded',
        data: { taxCertificate },
      });
  });
  it('stores no metadata pair that is empty', () => {
    given()
      .when(create({ metadata: { a: '', b: 1 } }))
      .then(created({ metadata: { b: 1 } }));
    given()
      .when(create({ metadata: { a: '' } }))
      .then(created());
  });
  it('attaches the claimed default source in the same step', () => {
    given()
      .when({ kind: 'create', id, changes: { defaultSourceId: 's1' }, claim: { source: source('s1'), life: 1 } })
      .then(created(), attached('s1'), defaultIs('s1'));
  });
  it('is refused while the id is taken, also by an erased customer', () => {
    given(created()).when(create({})).thenRefused('already_exists', 'id');
    given(created(), erased).when(create({})).thenRefused('already_exists', 'id');
  });
  it('begins a new life after a deletion, with nothing of the old one', () => {
    given(created({ email: 'a@b.c' }), deleted)
      .when(create({}))
      .then(created());
    expect(fold([created({ email: 'a@b.c' }), attached('s1'), deleted, created()])).toEqual({
      status: 'active',
      life: 2,
      createdTime: AT,
      updatedTime: AT,
      enabled: true,
      requestToBeForgotten: false,
      taxCertificates: [],
      sources: [],
      detachedSources: [],
    });
  });
  it('never creates without the default source it was asked for, when that was not claimed for just this life', () => {
    given(created(), deleted)
      .when(create({ defaultSourceId: 's1' }))
      .thenRefused('already_exists');
    given(created(), deleted)
      .when({ kind: 'create', id, changes: { defaultSourceId: 's1' }, claim: { source: source('s1'), life: 1 } })
      .thenRefused('already_exists');
  });
});

describe('update', () => {
  it('records one event an intent, and nothing for what stays as it was', () => {
    given(created({ email: 'a@b.c', locale: 'en_US' }))
      .when(update({ email: 'a@b.c', locale: 'de_DE', type: 'individual', enabled: false }))
      .then(
        { type: 'CustomerLocaleChanged', data: { locale: 'de_DE' } },
        { type: 'CustomerTypeChanged', data: { type: 'individual' } },
        { type: 'CustomerDisabled', data: {} },
      );
  });
  it('appends nothing when nothing changes, whatever the order of keys', () => {
    given(created({ email: 'a@b.c', shipping, metadata: { a: { x: 1, y: [2] }, b: 'c' } }))
      .when(
        update({
          email: 'a@b.c',
          enabled: true,
          shipping: { address: { country: 'DE' }, name: 'A' },
          metadata: { b: 'c', a: { y: [2], x: 1 } },
          requestToBeForgotten: false,
        }),
      )
      .then();
  });
  it('clears with null, once', () => {
    given(created({ email: 'a@b.c', locale: 'en_US', shipping, metadata: { a: 1 } }), attached('s1'), defaultIs('s1'))
      .when(update({ email: null, locale: null, shipping: null, metadata: null, defaultSourceId: null }))
      .then(
        { type: 'CustomerLocaleChanged', data: { locale: null } },
        { type: 'CustomerEmailChanged', data: { email: null } },
        { type: 'CustomerShippingChanged', data: { shipping: null } },
        { type: 'CustomerMetadataChanged', data: { metadata: null } },
        defaultIs(null),
      );
    given(created())
      .when(update({ email: null, locale: null, shipping: null, metadata: null, defaultSourceId: null }))
      .then();
  });
  it('replaces the whole shipping object', () => {
    given(created({ shipping }))
      .when(update({ shipping: { name: 'B' } }))
      .then({ type: 'CustomerShippingChanged', data: { shipping: { name: 'B' } } });
  });
  it('merges metadata key by key, removes with "", and keeps a string a string', () => {
    given(created({ metadata: { a: 1, b: 'x', c: true } }))
      .when(update({ metadata: { a: '1', b: '', d: null } }))
      .then({ type: 'CustomerMetadataChanged', data: { metadata: { a: '1', c: true, d: null } } });
    given(created({ metadata: { a: 1 } }))
      .when(update({ metadata: { a: '' } }))
      .then({ type: 'CustomerMetadataChanged', data: { metadata: null } });
  });
  it('counts metadata pairs after the merge', () => {
    const twenty = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`k${String(n)}`, n]));
    given(created({ metadata: twenty }))
      .when(update({ metadata: { more: 1 } }))
      .thenRefused('too_many_metadata_pairs', 'metadata');
    given(created({ metadata: twenty }))
      .when(update({ metadata: { k0: '', more: 1 } }))
      .then({
        type: 'CustomerMetadataChanged',
        data: { metadata: Object.fromEntries([...Object.entries(twenty).slice(1), ['more', 1]]) },
      });
  });
  it('adds a tax certificate to the others, the same one only once', () => {
    given(created()).when(update({ taxCertificate })).then({ type: 'TaxCertificateAdded', data: { taxCertificate } });
    given(created(), { type: 'TaxCertificateAdded', data: { taxCertificate } })
      .when(update({ taxCertificate: { ...taxCertificate } }))
      .then();
  });
  it('takes as default only an attached source', () => {
    given(created(), attached('s1'), defaultIs('s1'), attached('s2'))
      .when(update({ defaultSourceId: 's2' }))
      .then(defaultIs('s2'));
    given(created(), attached('s1'), defaultIs('s1'))
      .when(update({ defaultSourceId: 's2' }))
      .thenRefused('invalid_parameter', 'defaultSourceId');
  });
  it('serves a disabled customer as ever', () => {
    given(created({ enabled: false }))
      .when(update({ enabled: true }))
      .then({ type: 'CustomerEnabled', data: {} });
  });
});

describe('forget', () => {
  it('fixes the due date at the request; other changes ride along', () => {
    given(created())
      .when(forget({ locale: 'en_US' }))
      .then(
        { type: 'CustomerLocaleChanged', data: { locale: 'en_US' } },
        { type: 'ForgetRequested', data: { dueAt: '2026-03-01T00:00:00.000Z' } },
      );
  });
  it('does not move the due date when asked again', () => {
    given(created(), requested).when(forget()).then();
  });
  it('is withdrawn by false', () => {
    given(created(), requested)
      .when(update({ requestToBeForgotten: false }))
      .then({ type: 'ForgetRequestWithdrawn', data: {} });
  });
});

describe('erase', () => {
  it('takes effect when the grace period is over, not before', () => {
    given(created(), requested).when(eraseDue('2026-01-31T23:59:59.999Z')).then();
    given(created(), requested)
      .when(eraseDue('2026-02-01T00:00:00.000Z'))
      .then({ type: 'CustomerErased', data: { keyRevision: 1, cause: 'grace_period_over' } });
  });
  it('does nothing when the request was withdrawn meanwhile', () => {
    given(created(), requested, { type: 'ForgetRequestWithdrawn', data: {} })
      .when(eraseDue('2027-01-01T00:00:00.000Z'))
      .then();
  });
  it('happens at once when asked for, and once', () => {
    given(created()).when(eraseNow).then(erased);
    given(created(), erased).when(eraseNow).then();
  });
  it('keeps the reason it was asked for with', () => {
    given(created())
      .when({ ...eraseNow, reasonCode: 'gdpr_art_17' })
      .then({ type: 'CustomerErased', data: { keyRevision: 1, cause: 'requested', reasonCode: 'gdpr_art_17' } });
  });
  it('names the key of the life that ends', () => {
    given(created(), deleted, created())
      .when(remove)
      .then({ type: 'CustomerDeleted', data: { keyRevision: 2 } });
  });
});

describe('a legal hold', () => {
  const placed: CustomerEvent = { type: 'LegalHoldPlaced', data: {} };
  const lifted: CustomerEvent = { type: 'LegalHoldLifted', data: {} };
  const place: CustomerCommand = { kind: 'place_hold', id };
  const lift: CustomerCommand = { kind: 'lift_hold', id };

  it('is placed once and lifted once', () => {
    given(created()).when(place).then(placed);
    given(created(), placed).when(place).then();
    given(created()).when(lift).then();
    given(created(), placed).when(lift).then(lifted);
    given(created(), placed, lifted).when(place).then(placed);
  });
  it('keeps the customer from being erased and deleted, and what is due waiting', () => {
    given(created(), placed).when(eraseNow).thenRefused('legal_hold', 'id');
    given(created(), placed).when(remove).thenRefused('legal_hold', 'id');
    given(created(), requested, placed).when(eraseDue('2027-01-01T00:00:00.000Z')).then();
    given(created(), placed, lifted).when(eraseNow).then(erased);
  });
  it('leaves a customer open to every other change', () => {
    given(created(), placed)
      .when(update({ enabled: false }))
      .then({ type: 'CustomerDisabled', data: {} });
  });
  it('is of no use on a customer that is no more, and does not outlast a life', () => {
    for (const command of [place, lift]) {
      given(created(), erased).when(command).thenRefused('customer_erased', 'id');
      given(created(), deleted).when(command).thenRefused('not_found', 'id');
    }
    given(created(), deleted, created())
      .when(eraseNow)
      .then({ type: 'CustomerErased', data: { keyRevision: 2, cause: 'requested' } });
  });
});

describe('sources', () => {
  it('makes the first attached source the default', () => {
    given(created()).when(attach('s1')).then(attached('s1'), defaultIs('s1'));
    given(created(), attached('s1'), defaultIs('s1')).when(attach('s2')).then(attached('s2'));
  });
  it('appends nothing for one that is attached already', () => {
    given(created(), attached('s1'), defaultIs('s1')).when(attach('s1')).then();
  });
  it('never attaches a source again that was detached', () => {
    given(created(), attached('s1'), defaultIs('s1'), detached('s1'), defaultIs(null))
      .when(attach('s1'))
      .thenRefused('source_not_chargeable', 'sourceId');
  });
  it('attaches nothing in another life than the source was claimed for', () => {
    given(created(), deleted, created()).when(attach('s1', 1)).thenRefused('not_found', 'id');
  });
  it('falls back to the most recently attached remaining source, else to none', () => {
    const history = [created(), attached('s1'), defaultIs('s1'), attached('s2'), attached('s3')];
    given(...history)
      .when(detach('s1'))
      .then(detached('s1'), defaultIs('s3'));
    given(...history)
      .when(detach('s2'))
      .then(detached('s2'));
    given(created(), attached('s1'), defaultIs('s1')).when(detach('s1')).then(detached('s1'), defaultIs(null));
  });
  it('cannot detach what is not attached', () => {
    given(created()).when(detach('s1')).thenRefused('source_not_found', 'sourceId');
  });
});

describe('a customer that is not there', () => {
  const commands = [update({ email: 'a@b.c' }), update({}), forget(), remove, attach('s1'), detach('s1')];
  it.each(commands)('is not found by $kind', (command) => {
    given().when(command).thenRefused('not_found', 'id');
    given(created(), deleted).when(command).thenRefused('not_found', 'id');
  });
  it.each(commands)('refuses $kind once erased, also one that would change nothing', (command) => {
    given(created(), erased).when(command).thenRefused('customer_erased', 'id');
  });
  it('says so in the words a shipped client compares', () => {
    expect(() => decide(update({}), fold([]))).toThrow(/^Customer 'c1' not found$/);
  });
});
