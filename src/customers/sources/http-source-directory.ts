import { StoreUnavailable } from '../../event-sourcing/store-errors.js';
import { SourceDirectory } from './source-directory.js';
import type { DirectorySource } from './source-directory.js';

/** From the request to the last byte of the answer. */
const TIMEOUT_MS = 2_000;
const MAX_BODY_BYTES = 65_536;

/**
 * Asks `GET {url}/{id}`. Only 200 with a valid body and 404 are answers; whatever else happens is an outage, so that a
 * fault over there never looks like a missing source.
 */
export class HttpSourceDirectory extends SourceDirectory {
  private readonly base: string;
  private readonly headers: Headers;

  constructor(url: string, token: string | undefined, private readonly timeoutMs = TIMEOUT_MS) {
    super();
    this.base = checkedBase(url);
    this.headers = new Headers({ accept: 'application/json', ...(token && { authorization: bearer(token) }) });
  }

  override async find(sourceId: string): Promise<DirectorySource | undefined> {
    try {
      return await this.ask(sourceId);
    } catch (cause) {
      throw new StoreUnavailable('source_directory', { cause });
    }
  }

  private async ask(sourceId: string): Promise<DirectorySource | undefined> {
    const response = await fetch(`${this.base}/${encodeURIComponent(sourceId)}`, {
      headers: this.headers,
      // A redirect could carry the token elsewhere.
      redirect: 'manual',
      signal: AbortSignal.timeout(this.timeoutMs),
    });
    if (response.status === 200) return sourceOf(sourceId, await bodyOf(response));
    await response.body?.cancel();
    if (response.status === 404) return undefined;
    throw new Error(`The source directory answered ${response.status}`);
  }
}
