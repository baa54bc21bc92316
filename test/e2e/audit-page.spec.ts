import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Browser, chromium, type Page } from 'playwright-core';
import { VerificationLog } from '../../src/audit/verification-log.js';
import { CheckpointSigner } from '../../src/audit/checkpoint-signer.js';
import { SystemClock } from '../../src/event-sourcing/clock.js';
import type { RecordedEvent } from '../../src/event-sourcing/event-store.js';
import type { Stores } from '../../src/adapters.js';
import { Ends } from '../support/ends.js';
import { notRun } from '../support/not-run.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);
const PICTURES = join('test-output', 'audit-page');
const PERSONAL_VALUE = 'jane@example.com';

if (CHROMIUM === undefined) notRun('the page of the audit in a browser', 'there is no Chromium on this machine');

(CHROMIUM === undefined ? describe.skip : describe)('The page of the audit', () => {
  const ends = new Ends();
  let app: TestApp;
  let browser: Browser;
  let page: Page;
  let address: string;
  const complaints: string[] = [];
  /** Of this customer the log tells something else than it holds, from then on. */
  let tampered: string | undefined;
  let change: Partial<RecordedEvent> = { data: { locale: 'de_DE' } };

  const tamper = (event: RecordedEvent): RecordedEvent =>
    event.stream === tampered && event.revision === 1 ? { ...event, ...change } : event;

  beforeAll(async () => {
    mkdirSync(PICTURES, { recursive: true });
    const wrap = (stores: Stores): Stores => {
      const read = stores.eventStore.read.bind(stores.eventStore);
      stores.eventStore.read = async (...args) => (await read(...args)).map(tamper);
      return stores;
    };
    app = await startTestApp({ clock: new SystemClock(), wrap });
    ends.add(() => app.close());
    address = await app.listen();
    const { CHROMIUM_ARGS: args = '--no-sandbox' } = process.env;
    browser = await chromium.launch({ ...(CHROMIUM && { executablePath: CHROMIUM }), args: args.split(' ') });
    ends.add(() => browser.close());
    for (const id of ['jane', 'gone']) {
      await post('/customers', { id, email: PERSONAL_VALUE, metadata: { tier: 'gold' } });
      await post(`/customers/${id}`, { locale: 'en_US' });
      await post(`/customers/${id}`, { email: `new-${PERSONAL_VALUE}` }, { 'x-reason': 'support_call' });
    }
    await app.request({ method: 'DELETE', url: '/customers/gone' });
    await app.settled();
    await app.service.app.get(CheckpointSigner).sign();
    const context = await browser.newContext({ viewport: { width: 1100, height: 900 }, reducedMotion: 'reduce' });
    page = await context.newPage();
    page.setDefaultTimeout(15_000);
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(`${address}/audit`);
  });
  afterAll(() => ends.run());

  const post = async (url: string, body: unknown, headers = {}): Promise<void> => {
    const { statusCode } = await app.request({ method: 'POST', url, body, headers });
    expect(statusCode).toBeLessThan(300);
  };
  const find = async (id: string): Promise<void> => {
    await page.getByLabel('Customer id').fill(id);
    await page.getByRole('button', { name: 'Find' }).click();
    await page.getByRole('heading', { name: `Customer ${id}` }).waitFor();
    await page.locator('#found-state:not(:empty)').waitFor();
  };
  const record = () => page.locator('#record-values').innerText();
  const picture = (name: string) => page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
  /** With axe, outside of the policy of the page, which lets no other script in. */
  const accessibility = async (): Promise<unknown[]> => {
    const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
    const session = await page.context().newCDPSession(page);
    await session.send('Page.setBypassCSP', { enabled: true });
    const { readFileSync } = await import('node:fs');
    const { frameTree } = await session.send('Page.getFrameTree');
    const { executionContextId } = await session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id });
    const evaluate = (expression: string) =>
      session.send('Runtime.evaluate', {
        expression,
        contextId: executionContextId,
        awaitPromise: true,
        returnByValue: true,
      });
    await evaluate(readFileSync(axe, 'utf8'));
    const { result } = await evaluate(
      `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.map(({ id, nodes }) => id + ' ' + nodes.map((n) => n.target).join(' ')))`,
    );
    await session.detach();
    return result.value as unknown[];
  };

  it('lets in who has the key, and tells others what is wrong', async () => {
    await page.getByLabel('Key with the scope').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('This key is not known').waitFor();
    await picture('sign-in');
    expect(await accessibility()).toEqual([]);
    await page.getByLabel('Key with the scope').fill(app.secret);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    await expect(page.locator('#log-state').innerText()).resolves.toContain('The last checkpoint is signed');
    expect(await page.evaluate('JSON.stringify([localStorage, sessionStorage, document.cookie])')).toBe('[{},{},""]');
  });

  it('shows what happened to a customer and its record at any event and time', async () => {
    await find('jane');
    await expect(page.locator('#timeline > li').count()).resolves.toBe(3);
    await expect(page.locator('#timeline').innerText()).resolves.toContain('because: support_call');
    await expect(page.locator('#found-state').innerText()).resolves.toContain('as it was recorded: 3 events');
    await expect(record()).resolves.toContain(`new-${PERSONAL_VALUE}`);
    await picture('found');
    expect(await accessibility()).toEqual([]);
    await page.getByRole('button', { name: 'The record after revision 0' }).click();
    await page.locator('#record-when').getByText('Revision 0').waitFor();
    await expect(record()).resolves.not.toContain('en_US');
    await expect(page.evaluate('document.activeElement.id')).resolves.toBe('record-title');
    await page.getByLabel('As it stood at').fill('2099-01-01T00:00');
    await page.keyboard.press('Enter');
    await page.locator('#record-when').getByText('Revision 2').waitFor();
  });

  it('shows the facts of a customer who is gone, without values', async () => {
    await find('gone');
    await expect(page.locator('#timeline > li').count()).resolves.toBe(4);
    await expect(page.locator('#timeline').innerText()).resolves.toContain('[erased]');
    await expect(page.content()).resolves.not.toContain('example.com');
    await picture('erased');
  });

  it('shows a history that was tampered with as such, and names the event', async () => {
    tampered = 'customer-jane';
    await find('jane');
    await expect(page.locator('#found-state').innerText()).resolves.toContain(
      'Revision 1: The event is not what was hashed',
    );
    await expect(page.locator('#timeline > li.broken').count()).resolves.toBe(1);
    await picture('tampered');
    change = { type: 'CustomerCreated', data: { enabled: true } };
    await find('jane');
    await page.getByRole('alert').getByText('makes no sense from revision 1 on').waitFor();
    await expect(page.locator('#timeline > li.broken').count()).resolves.toBe(2);
    await expect(record()).resolves.toBe('');
    await picture('broken');
    expect(await accessibility()).toEqual([]);
    tampered = undefined;
  });

  it('tells what the last verification of the whole log came to, and when; or that there was none', async () => {
    const state = page.locator('#log-verified');
    await expect(state.innerText()).resolves.toContain('was never verified');
    const event = { stream: 'customer-jane', revision: 1 };
    const finding = { kind: 'changed', message: 'The event is not as it was', event } as const;
    const counts = { events: 7, leaves: 7, streams: 2, views: 2, checkpoints: 1, uncovered: 0, untold: 1 };
    const past = { ...counts, verdict: 'manipulation', findings: [finding] } as const;
    await new VerificationLog(app.stores.eventStore, app.clock).record(past, 1, { type: 'system', id: 'admin' });
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Key with the scope').fill(app.secret);
    await page.keyboard.press('Enter');
    await state.getByText('MANIPULATION').waitFor();
    await expect(state.innerText()).resolves.toContain('7 events against 1 checkpoint(s) from outside');
    await expect(page.locator('#log-findings > li').allInnerTexts()).resolves.toEqual([
      'The event is not as it was (customer-jane, revision 1).',
      'And 1 more.',
    ]);
    await picture('verified');
    expect(await accessibility()).toEqual([]);
    await find('jane');
  });

  it('can be read on a phone', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await expect(page.evaluate('document.documentElement.scrollWidth')).resolves.toBeLessThanOrEqual(360);
    await picture('phone');
    expect(await accessibility()).toEqual([]);
  });

  it('runs nothing but its own script, asks nobody else, and forgets the key', async () => {
    const { headers } = await app.request({ method: 'GET', url: '/audit' });
    expect(headers['content-security-policy']).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Key with the scope').waitFor();
    await expect(page.getByLabel('Key with the scope').inputValue()).resolves.toBe('');
    // The refused key and the altered log are told by the browser, and nothing else.
    expect(complaints.filter((text) => !/\b(401|500)\b/.test(text))).toEqual([]);
  });

  it('leaves the documents at /docs running under a policy of their own', async () => {
    const docs = await page.context().newPage();
    const refused: string[] = [];
    docs.on('console', (message) => message.type() === 'error' && refused.push(message.text()));
    docs.on('requestfailed', (request) => refused.push(request.url()));
    await docs.goto(`${address}/docs`);
    await docs.locator('.opblock-summary').first().click();
    await docs.locator('.opblock-body').first().waitFor();
    expect(refused).toEqual([]);
    await docs.close();
  });
});
