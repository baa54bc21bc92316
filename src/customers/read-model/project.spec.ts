import { BrokenHistory } from '../domain/evolve.js';
import type { SealedCustomerEvent } from '../customer-events.js';
import type { CustomerView } from './customer-view.js';
import { project } from './project.js';

const T0 = Date.parse('2026-01-01T00:00:00.000Z');
const email = { sealed: 'e' };
const created: SealedCustomerEvent = { type: 'CustomerCreated', data: { enabled: true, email, locale: 'en_US' } };

const viewOf = (...events: readonly SealedCustomerEvent[]): CustomerView | undefined =>
  events.reduce<CustomerView | undefined>(
    (view, event, revision) => project(view, event, { customerId: 'c1', revision, at: T0 + revision * 1_000 }),
    undefined,
  );

describe('project', () => {
  it('shows a new customer with equal times', () => {
    expect(viewOf(created)).toEqual({
      id: 'c1',
      version: 0,
      status: 'active',
      life: 1,
      listed: true,
      createdTime: '2026-01-01T00:00:00.000Z',
      updatedTime: '2026-01-01T00:00:00.000Z',
      enabled: true,
      requestToBeForgotten: false,
      email,
      locale: 'en_US',
      sources: [],
      taxCertificates: [],
    });
  });

  it('stands at the revision of its newest event, and took its time from it', () => {
    expect(viewOf(created, { type: 'CustomerDisabled', data: {} })).toMatchObject({
      version: 1,
      enabled: false,
      createdTime: '2026-01-01T00:00:00.000Z',
      updatedTime: '2026-01-01T00:00:01.000Z',
    });
  });

  it('leaves out what was cleared', () => {
    const view = viewOf(
      created,
      { type: 'CustomerEmailChanged', data: { email: null } },
      { type: 'CustomerLocaleChanged', data: { locale: null } },
    );
    expect(view).not.toHaveProperty('email');
    expect(view).not.toHaveProperty('locale');
  });

  it('keeps the sources in the order of attachment, each with its time', () => {
    const facts = { state: 'chargeable', reusable: true };
    const view = viewOf(
      created,
      { type: 'SourceAttached', data: { sourceId: 's1', ...facts } },
      { type: 'DefaultSourceChanged', data: { sourceId: 's1' } },
      { type: 'SourceAttached', data: { sourceId: 's2', type: 'creditCard', ...facts } },
    );
    expect(view?.sources).toEqual([
      { id: 's1', ...facts, createdTime: '2026-01-01T00:00:01.000Z' },
      { id: 's2', type: 'creditCard', ...facts, createdTime: '2026-01-01T00:00:03.000Z' },
    ]);
    expect(view?.defaultSourceId).toBe('s1');
  });

  it('shows a request to be forgotten until it is withdrawn', () => {
    const request: SealedCustomerEvent = { type: 'ForgetRequested', data: { dueAt: '2026-02-01T00:00:00.000Z' } };
    expect(viewOf(created, request)).toMatchObject({
      requestToBeForgotten: true,
      forgetDueAt: '2026-02-01T00:00:00.000Z',
    });
    const withdrawn = viewOf(created, request, { type: 'ForgetRequestWithdrawn', data: {} });
    expect(withdrawn).toMatchObject({ requestToBeForgotten: false });
    expect(withdrawn).not.toHaveProperty('forgetDueAt');
  });

  it('shows a legal hold while it lasts', () => {
    const placed = viewOf(created, { type: 'LegalHoldPlaced', data: {} });
    expect(placed).toMatchObject({ legalHold: true });
    const lifted = viewOf(created, { type: 'LegalHoldPlaced', data: {} }, { type: 'LegalHoldLifted', data: {} });
    expect(lifted).not.toHaveProperty('legalHold');
  });

  it.each([
    ['CustomerErased', { type: 'CustomerErased', data: { keyRevision: 1, cause: 'requested' } }, true],
    ['CustomerDeleted', { type: 'CustomerDeleted', data: { keyRevision: 1 } }, false],
  ] as const)('leaves a stub without a personal value after %s', (_, ending, listed) => {
    expect(viewOf(created, ending)).toEqual({
      id: 'c1',
      version: 1,
      life: 1,
      status: listed ? 'erased' : 'deleted',
      listed,
      enabled: false,
      requestToBeForgotten: true,
      createdTime: '2026-01-01T00:00:00.000Z',
      updatedTime: '2026-01-01T00:00:01.000Z',
      sources: [],
      taxCertificates: [],
    });
  });

  it('begins a new life with nothing of the old one', () => {
    const again: SealedCustomerEvent = { type: 'CustomerCreated', data: { enabled: true } };
    const view = viewOf(created, { type: 'CustomerDeleted', data: { keyRevision: 1 } }, again);
    expect(view).toMatchObject({ life: 2, listed: true, version: 2, createdTime: '2026-01-01T00:00:02.000Z' });
    expect(view).not.toHaveProperty('email');
  });

  it('refuses a history that no decision can have made', () => {
    expect(() => viewOf({ type: 'CustomerEnabled', data: {} })).toThrow(BrokenHistory);
    expect(() => viewOf(created, created, { type: 'CustomerDeleted', data: { keyRevision: 1 } })).toThrow(
      BrokenHistory,
    );
  });
});
