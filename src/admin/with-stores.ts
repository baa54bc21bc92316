import { openStores, type Stores } from '../adapters.js';
import { type Config, readConfig } from '../config.js';

export interface Opened {
  readonly config: Config;
  readonly stores: Stores;
}

/** Opens the stores the environment names, beside a running service or without one, and closes them again. */
export async function withStores<T>(work: (opened: Opened) => Promise<T>): Promise<T> {
  const config = readConfig();
  const stores = await openStores(config, { exclusive: false });
  try {
    return await work({ config, stores });
  } finally {
    await stores.close();
  }
}
