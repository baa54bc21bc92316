import { systemContext } from '../../event-sourcing/command-context.js';
import { foldCustomer } from '../customer-history.js';
import type { CustomerEvent } from '../domain/events.js';
import { draftEvents } from './draft-events.js';

const circumstances = { context: systemContext('test', 0), past: foldCustomer([]), values: undefined, now: 0 };
const wrong = (event: unknown): CustomerEvent => event as CustomerEvent;

describe('draftEvents', () => {
  it('drafts what can be read back', () => {
    const [draft] = draftEvents([{ type: 'CustomerLocaleChanged', data: { locale: null } }], circumstances);
    expect(draft).toMatchObject({ type: 'CustomerLocaleChanged', data: { locale: null } });
  });

  it.each([
    ['a type that is none', wrong({ type: 'Nonsense', data: {} })],
    ['a value of another shape', wrong({ type: 'CustomerLocaleChanged', data: { locale: 5 } })],
    ['a field that is missing', wrong({ type: 'SourceAttached', data: { sourceId: 's' } })],
  ])('refuses %s before anything is appended', (_, event) => {
    expect(() => draftEvents([event], circumstances)).toThrow(RangeError);
  });
});
