import { startTestApp } from '../../../test/support/test-app.js';
import { CustomerEndings } from './customer-endings.js';

it('a life is done once its view shows nothing of it any more, be that its stub or a life that came after', async () => {
  const app = await startTestApp();
  try {
    const send = (method: string, url: string, body?: unknown) =>
      app.request({ method, url, ...(body !== undefined && { body }) });
    const { eventStore, customerViews } = app.stores;
    const ref = { subject: 'a', revision: 1 };
    const shown: (Awaited<ReturnType<typeof customerViews.get>> | undefined)[] = [undefined];
    const isDone = async (): Promise<boolean> => {
      const views = { get: () => Promise.resolve(shown.at(-1)) };
      return (await new CustomerEndings(eventStore, views).done(ref)) !== undefined;
    };
    await send('POST', '/customers', { id: 'a', email: 'jane@example.com' });
    shown.push(await customerViews.get('a'));
    expect(await isDone()).toBe(false);
    await send('DELETE', '/customers/a');
    // The log says so, and the view is still the one from before, or is not there at all.
    expect(await isDone()).toBe(false);
    shown.push(undefined);
    expect(await isDone()).toBe(false);
    shown.push(await customerViews.get('a'));
    expect(await isDone()).toBe(true);
    await send('POST', '/customers', { id: 'a' });
    shown.push(await customerViews.get('a'));
    expect(await isDone()).toBe(true);
    expect(await new CustomerEndings(eventStore, customerViews).done({ ...ref, revision: 2 })).toBeUndefined();
  } finally {
    await app.close();
  }
});
