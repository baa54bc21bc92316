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

  /** @throws TypeError when `url` or `token` can't be used; the message shows neither */
  constructor(
    url: string,
    token: string | undefined,
    private readonly timeoutMs = TIMEOUT_MS,
  ) {
    super();
    this.base = checkedBase(url);
    this.headers = new Headers({ accept: 'application/json' });
    if (token !== undefined) this.headers.set('authorization', `Bearer ${checkedToken(token)}`);
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

/** Checked here, since the errors of `fetch` show what they refuse, be it a password. */
function checkedBase(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const plain = parsed !== undefined && `${parsed.username}${parsed.password}${parsed.search}${parsed.hash}` === '';
  if (!plain || !['http:', 'https:'].includes(parsed.protocol)) {
    throw new TypeError('SOURCES_URL must be an http or https URL without credentials, query or fragment');
  }
  return parsed.href.replace(/\/+$/, '');
}

function checkedToken(token: string): string {
  if (!/^[\x21-\x7e]+$/.test(token)) throw new TypeError('SOURCES_TOKEN must be printable ASCII without spaces');
  return token;
}

async function bodyOf(response: Response): Promise<string> {
  const body: ReadableStream<Uint8Array> | null = response.body;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) throw new Error(`The source directory answered more than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function sourceOf(sourceId: string, body: string): DirectorySource {
  const { id, type, state, reusable } = objectOf(body);
  const known = isAbsent(id) || (typeof id === 'string' && id.toLowerCase() === sourceId.toLowerCase());
  if (!known || !isWord(state) || typeof reusable !== 'boolean') throw invalid();
  if (isAbsent(type)) return { id: sourceId, state, reusable };
  if (!isWord(type)) throw invalid();
  return { id: sourceId, type, state, reusable };
}

function objectOf(body: string): { readonly [field: string]: unknown } {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    // Its error shows the body, which may name a person.
    throw invalid();
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid();
  return { ...value };
}

const isAbsent = (value: unknown): value is null | undefined => value === undefined || value === null;

/** `type` and `state` go into events in clear: no room in them for a name or an address. */
const isWord = (value: unknown): value is string => typeof value === 'string' && /^[A-Za-z0-9_.-]{1,40}$/.test(value);

const invalid = (): Error => new Error('The source directory answered with an invalid body');
