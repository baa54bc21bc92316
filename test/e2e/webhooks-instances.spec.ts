import { hasMongoDbServer, NO_MONGODB } from '../support/mongodb-server.js';
import { notRun } from '../support/not-run.js';
import { Production } from '../support/production.js';
import { cleanUp, type ServiceProcess, startService } from '../support/service-process.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

const TAKEOVER_MS = 30_000;

const available = hasMongoDbServer();
if (!available) notRun('webhooks of several instances on shared stores', NO_MONGODB);

(available ? describe : describe.skip)('Webhooks of instances on the same stores', () => {
  it('are delivered by one at a time, in order, and by another when that one is killed', async () => {
    const production = await Production.start();
    const receiver = await WebhookReceiver.start();
    try {
      const start = (): Promise<ServiceProcess> =>
        startService({ env: { ...production.env, WEBHOOKS_ALLOW_LOOPBACK: 'true' } });
      const send = async ({ url, key }: ServiceProcess, path: string, body: unknown): Promise<void> => {
        const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
        const answer = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
        if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      };
      const [first, second] = [await start(), await start()];
      // By the one that does not deliver.
      await send(second, '/webhooks', { url: `${receiver.url}/hook` });
      for (const id of ['a', 'b']) await send(second, '/customers', { id });
      await receiver.until(() => receiver.acknowledged().length === 2);
      await send(first, '/customers/a', { locale: 'de_DE' });
      await receiver.until(() => receiver.acknowledged().length === 3);
      first.kill('SIGKILL');
      await first.exited;
      for (const id of ['a', 'b']) await send(second, `/customers/${id}`, { type: 'business' });
      const namesOf = (subject: string): number[] => [
        ...new Set(
          receiver
            .acknowledged()
            .filter(({ event }) => event.subject === subject)
            .map(({ sequence }) => sequence),
        ),
      ];
      await receiver.until(() => namesOf('a').length === 3 && namesOf('b').length === 2, TAKEOVER_MS);
      expect([namesOf('a'), namesOf('b')]).toEqual([
        [0, 1, 2],
        [0, 1],
      ]);
    } finally {
      await cleanUp();
      receiver.stop();
      await production.stop();
    }
  }, 90_000);
});
