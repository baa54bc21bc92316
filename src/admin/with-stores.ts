import { openStores, type Stores } from '../adapters.js';
import { type Config, readConfig } from '../config.js';

export interface Opened {
  readonly config: Config;
  readonly stores: Stores;
}

/**
 * Opens the stores the environment names, beside a running service or without one, and closes them again.
 * @param attempt how often it is tried to open them; once when absent
 */
export async function withStores<T>(
  work: (opened: Opened) => Promise<T>,
  attempt: (open: () => Promise<Stores>) => Promise<Stores> = (open) => open(),
): Promise<T> {
  const config = readConfig();
  const stores = await attempt(() => openStores(config, { exclusive: false }));
  try {
    return await work({ config, stores });
  } finally {
    await stores.close();
  }
}
