import { CustomerError } from '../domain/errors.js';
import { claim, evolveSource, type SourceEvent, type SourceState } from './source.js';

const source = { sourceId: 's1', state: 'chargeable', reusable: true };
const mine = { customerId: 'c1', life: 1 };
const claimed = (by: 'create' | 'attach', owner = mine): SourceEvent => ({
  type: 'SourceClaimed',
  data: { ...owner, by, source },
});
const cancelled: SourceEvent = { type: 'SourceCancelled', data: mine };
const released: SourceEvent = { type: 'SourceReleased', data: mine };
const stateOf = (...events: readonly SourceEvent[]): SourceState =>
  events.reduce<SourceState>(evolveSource, { status: 'free' });

function refusal(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('claim', () => {
  it('takes a free source, also one that was released', () => {
    expect(claim(stateOf(), mine, 'attach', source)).toEqual([claimed('attach')]);
    expect(claim(stateOf(claimed('create'), released), mine, 'attach', source)).toEqual([claimed('attach')]);
  });

  it('is nothing when it stands already', () => {
    expect(claim(stateOf(claimed('attach')), mine, 'attach', source)).toEqual([]);
    expect(claim(stateOf(claimed('create')), mine, 'create', source)).toEqual([]);
  });

  it("renews a create's claim for an attach, so that it can't be released under it", () => {
    expect(claim(stateOf(claimed('create')), mine, 'attach', source)).toEqual([claimed('attach')]);
  });

  it('of a command that could still be refused is renewed by another, so that it does not go with the first', () => {
    const first = claim(stateOf(), mine, 'attach', source, 'command-1');
    expect(first).toEqual([{ type: 'SourceClaimed', data: { ...mine, by: 'attach', commandId: 'command-1', source } }]);
    expect(claim(stateOf(...first), mine, 'attach', source, 'command-1')).toEqual([]);
    const second = claim(stateOf(...first), mine, 'attach', source, 'command-2');
    expect(stateOf(...first, ...second)).toMatchObject({ commandIds: ['command-1', 'command-2'] });
    const third = claim(stateOf(...first, ...second), mine, 'attach', source);
    expect(third).toEqual([claimed('attach')]);
    expect(claim(stateOf(...first, ...second, ...third), mine, 'attach', source, 'command-4')).toEqual([]);
  });

  it.each([
    { customerId: 'c2', life: 1 },
    { customerId: 'c1', life: 2 },
  ])('refuses another owner, be it another life of the same customer: %j', (owner) => {
    const error = refusal(() => claim(stateOf(claimed('attach')), owner, 'attach', source));
    expect(error).toBeInstanceOf(CustomerError);
    expect(error).toMatchObject({ code: 'source_in_use', parameter: 'sourceId' });
  });

  it('refuses a cancelled source to everybody', () => {
    const error = refusal(() => claim(stateOf(claimed('attach'), cancelled), mine, 'attach', source));
    expect(error).toMatchObject({ code: 'source_not_chargeable' });
  });
});
