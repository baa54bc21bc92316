import { MetricsServer } from '../../src/metrics/metrics-server.js';
import { ConfigError } from '../../src/settings.js';
import { Ends } from '../support/ends.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

describe('/metrics on a port of its own', () => {
  const ends = new Ends();
  let app: TestApp;
  let port: number;
  beforeAll(async () => {
    app = await startTestApp({ config: { metricsPort: 0 } });
    ends.add(() => app.close());
    ({ port } = app.service.app.get(MetricsServer));
  });
  afterAll(() => ends.run());

  const ask = (path: string, method = 'GET') => fetch(`http://127.0.0.1:${String(port)}${path}`, { method });

  it('is read there, without a key, and is not where the API is', async () => {
    await app.request({ method: 'POST', url: '/customers' });
    const answer = await ask('/metrics');
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/plain')]);
    const text = await answer.text();
    expect(text).toContain('route="/customers"');
    expect(text).toContain('process_cpu_seconds_total');
    expect((await app.request({ method: 'GET', url: '/metrics' })).statusCode).toBe(404);
  });

  it('has nothing beside it', async () => {
    for (const path of ['/', '/customers', '/openapi.json', '/health/live', '/metrics/x']) {
      expect([path, (await ask(path)).status]).toEqual([path, 404]);
    }
    const posted = await ask('/metrics', 'POST');
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  it('stops a start that can not have the port, naming the setting', async () => {
    const other = startTestApp({ config: { metricsPort: port } });
    await expect(other).rejects.toThrow(ConfigError);
    await expect(other).rejects.toThrow(/^METRICS_PORT \d+ can not be listened on \(EADDRINUSE\)$/);
  });
});
