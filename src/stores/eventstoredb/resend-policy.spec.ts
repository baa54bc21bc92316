import { ResendPolicy } from './resend-policy.js';

describe('The policy of sending appends again', () => {
  /** What a server that answers each sending after so long makes of so many appends, one by one. @returns how often it was sent more */
  function resends(policy: ResendPolicy, appends: number, answersAfterMs: (append: number) => number): number {
    let extra = 0;
    for (let append = 0; append < appends; append += 1) {
      const ms = answersAfterMs(append);
      let [sends, at] = [1, 0];
      for (;;) {
        at += policy.patienceMs(sends) ?? Infinity;
        if (at >= ms) break;
        sends += 1;
      }
      extra += sends - 1;
      policy.answered(ms, sends);
    }
    return extra;
  }

  it('waits some 100 ms for a server that is quick, then twice as long each time, and not for ever', () => {
    const policy = new ResendPolicy();
    resends(policy, 20, () => 4);
    const patience = [1, 2, 3, 4, 5].map((sends) => policy.patienceMs(sends));
    expect(patience[0]).toBeGreaterThanOrEqual(100);
    expect(patience[0]).toBeLessThan(150);
    expect(patience.slice(1)).toEqual([patience[0]! * 2, patience[0]! * 4, patience[0]! * 8, undefined]);
  });

  it('waits between 100 and 400 ms for a server of which nothing is known', () => {
    expect(new ResendPolicy().patienceMs(1)).toBe(250);
  });

  it.each([300, 500, 900, 1_500])('learns from a few that every answer takes %s ms', (ms) => {
    const policy = new ResendPolicy();
    const learning = resends(policy, 8, () => ms);
    expect(learning).toBeLessThanOrEqual(12);
    expect(resends(policy, 100, () => ms)).toBe(0);
    expect(policy.patienceMs(1)).toBeGreaterThan(1.4 * ms);
  });

  it('sends few again of those that are answered after 50 to 500 ms', () => {
    const policy = new ResendPolicy();
    const steps = (append: number): number => 50 + ((append * 197) % 451);
    expect(resends(policy, 500, steps)).toBeLessThan(25);
  });

  it('stays quick while every second append is dropped and is to be sent again', () => {
    const policy = new ResendPolicy();
    for (let n = 0; n < 200; n += 1) {
      policy.answered(5, 1);
      policy.answered((policy.patienceMs(1) ?? Infinity) + 5, 2);
    }
    expect(policy.patienceMs(1)).toBeLessThan(400);
  });

  it('becomes quick again when the server does', () => {
    const policy = new ResendPolicy();
    resends(policy, 20, () => 1_000);
    resends(policy, 100, () => 5);
    expect(policy.patienceMs(1)).toBeLessThan(150);
  });

  it('lets a few appends at once be in doubt, and others once those are settled', () => {
    const policy = new ResendPolicy();
    const taken = Array.from({ length: 20 }, () => policy.takeDoubt());
    expect(taken.filter(Boolean)).toHaveLength(8);
    policy.endDoubt();
    expect([policy.takeDoubt(), policy.takeDoubt()]).toEqual([true, false]);
  });
});
