import { fieldChanges } from './field-changes.js';

describe('the changes of fields', () => {
  it('point to each field by RFC 6901, whatever its name', () => {
    const metadata = { 'a/b': 1, '~': 1, '~1': 1, '': 1, constructor: 1 };
    const changes = fieldChanges({ metadata: {} }, { metadata });
    expect(changes.map(({ pointer }) => pointer)).toEqual(
      ['a~1b', '~0', '~01', '', 'constructor'].map((name) => `/metadata/${name}`),
    );
  });

  it('are one for what came or went as a whole, and none for what is the same in another order', () => {
    const shipping = { name: 'J', address: { country: 'US' } };
    expect(fieldChanges({}, { shipping })).toEqual([{ pointer: '/shipping', after: shipping }]);
    expect(fieldChanges({ shipping }, {})).toEqual([{ pointer: '/shipping', before: shipping }]);
    expect(fieldChanges({ shipping }, { shipping: { address: { country: 'US' }, name: 'J' } })).toEqual([]);
  });

  it('pass over what never changes, and what changes with every event', () => {
    const before = { id: 'a', liveMode: false, updatedTime: '1' };
    expect(fieldChanges(before, { ...before, updatedTime: '2' })).toEqual([]);
  });
});
