import { writeFileSync } from 'node:fs';
import { openSourceDirectory, openPrivacy } from '../adapters.js';
import { readConfig } from '../config.js';
import { SystemClock } from '../event-sourcing/clock.js';
import { openApiDocument } from '../http/openapi.js';
import { ServiceLogger } from '../http/service-logger.js';
import { Service } from '../service.js';
import { openSqliteStores } from '../stores/sqlite/sqlite-stores.js';

/** Writes `openapi.json` as the code makes it. Needs no data: the service runs on stores in memory for a moment. */
async function main(): Promise<void> {
  const config = { ...readConfig({}), masterKeys: [{ id: 'none', key: new Uint8Array(32) }] };
  const clock = new SystemClock();
  const stores = await openSqliteStores({ memory: true });
  const privacy = await openPrivacy(config, stores, clock);
  const parts = { config, stores, privacy, directory: openSourceDirectory(config), clock };
  const service = await Service.start(parts, new ServiceLogger('silent'));
  writeFileSync('openapi.json', `${JSON.stringify(openApiDocument(service.app), null, 2)}\n`);
  await service.stop();
  await stores.close();
}

await main();
