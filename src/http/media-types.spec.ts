import { preferredType } from './media-types.js';

const BATCH = 'application/cloudevents-batch+json';

describe('The media type of an answer', () => {
  it.each([
    [undefined, 'application/json'],
    ['*/*', 'application/json'],
    [BATCH, BATCH],
    [`${BATCH}, application/json`, 'application/json'],
    [`${BATCH}, application/json;q=0.9`, BATCH],
    [`application/*, application/json;q=0.1`, BATCH],
    [`*/*;q=0.1, ${BATCH}`, BATCH],
    [`${BATCH};q=0, */*`, 'application/json'],
    ['text/html', undefined],
    ['text/event-stream', undefined],
    ['*/*;q=0', undefined],
  ])('for "%s" is %s', (accept, type) => {
    expect(preferredType(accept, ['application/json', BATCH])).toBe(type);
  });
});
