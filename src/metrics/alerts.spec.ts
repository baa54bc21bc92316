import { readFileSync } from 'node:fs';
import { samplesOf, type Sample } from '../../test/support/metrics-text.js';
import { startTestApp } from '../../test/support/test-app.js';

const rules = readFileSync('docs/alerts.rules.yml', 'utf8');
const handbook = readFileSync('docs/alerts.md', 'utf8');

/** By the name of the alert. An expression stands on the line of its key, or folded on those below. */
const expressions = Object.fromEntries(
  rules
    .split(/^ +- alert: /m)
    .slice(1)
    .map((rule) => {
      const [, expression = ''] = /^ +expr: (?:>-)?([\s\S]*?)^ +(?:for|labels):/m.exec(rule) ?? [];
      return [/^\w+/.exec(rule)?.[0] ?? '', expression.trim()];
    }),
);

/** `name{label="value",...}` wherever it stands in PromQL, its functions and keywords aside. */
const selectorsOf = (expression: string): { name: string; matchers: [string, string, string][] }[] =>
  [...expression.matchAll(/\b([a-z]+(?:_[a-z0-9]+)+)\b(?:\{([^}]*)\})?(?!\s*\()/g)].map(
    ([, name = '', matchers = '']) => ({
      name,
      matchers: [...matchers.matchAll(/(\w+)(=~|!~|!=|=)"([^"]*)"/g)].map(([, label = '', how = '', value = '']) => [
        label,
        how,
        value,
      ]),
    }),
  );

describe('the alerts', () => {
  let samples: readonly Sample[];
  beforeAll(async () => {
    const app = await startTestApp();
    await app.request({ method: 'POST', url: '/customers', body: { id: 'c1' } });
    for (const url of ['/customers/c1', '/health/ready', '/metrics']) await app.request({ method: 'GET', url });
    samples = samplesOf((await app.request({ method: 'GET', url: '/metrics' })).body);
    await app.close();
  });

  it('are there', () => {
    expect(Object.keys(expressions).length).toBeGreaterThan(15);
    for (const [alert, expression] of Object.entries(expressions)) expect([alert, expression]).not.toEqual([alert, '']);
  });

  it.each(Object.entries(expressions))(
    '%s asks for metrics that there are, by labels and values that they have',
    (alert, expression) => {
      const selectors = selectorsOf(expression);
      // What Prometheus itself says of a scrape.
      if (alert === 'CustomersDown') expect(expression).toBe('up{job="customers"} == 0');
      else expect(selectors).not.toEqual([]);
      for (const { name, matchers } of selectors) {
        const found = samples.filter((sample) => sample.name === name);
        expect([name, found.length > 0]).toEqual([name, true]);
        for (const [label, how, value] of matchers.filter(([key]) => key !== 'job')) {
          const values = found.map(({ labels }) => labels[label]);
          expect([name, label, values.every((known) => known !== undefined)]).toEqual([name, label, true]);
          // A status that comes in bad times only is not there in good ones.
          if (label !== 'status')
            expect([name, value, values.some((known) => matches(value, how, known))]).toEqual([name, value, true]);
        }
      }
    },
  );

  it.each(Object.entries(expressions))('%s groups by labels that its metrics have', (_, expression) => {
    const wanted = [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/, ?/));
    const names = new Set(selectorsOf(expression).map(({ name }) => name));
    const known = new Set(samples.filter(({ name }) => names.has(name)).flatMap(({ labels }) => Object.keys(labels)));
    expect(wanted.filter((label) => label !== 'instance' && !known.has(label))).toEqual([]);
  });

  it('each have their chapter in the handbook, in the same order, and no chapter is left over', () => {
    expect([...handbook.matchAll(/^### (Customers\w+)$/gm)].map(([, name]) => name)).toEqual(Object.keys(expressions));
  });

  it('and the handbook speak of metrics that there are', () => {
    const names = new Set(samples.map(({ name }) => name));
    const told = [...handbook.matchAll(/`((?:customers|http|nodejs|process)_[a-z0-9_]+)/g)].map(
      ([, name = '']) => name,
    );
    expect(told.length).toBeGreaterThan(15);
    expect(told.filter((name) => !names.has(name) && !names.has(`${name}_count`))).toEqual([]);
  });

  it('leave no metric of the service untold', () => {
    const own = samples
      .map(({ name }) => name.replace(/_(bucket|count|sum)$/, ''))
      .filter((name) => /^(customers|http)_/.test(name));
    expect([...new Set(own)].filter((name) => !handbook.includes(`\`${name}`))).toEqual([]);
  });
});

function matches(value: string, how: string, known: string | undefined): boolean {
  const same = how.includes('~') ? new RegExp(`^(?:${value})$`).test(known ?? '') : known === value;
  return how.startsWith('!') ? !same : same;
}
