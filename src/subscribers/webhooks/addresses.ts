import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Why a URL is not sent to. Names a kind of address at most, never the address: it may be of the caller's network. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
}

/** The name leads nowhere, or nobody said where to. */
export class NameUnresolved extends Error {
  override readonly name = 'NameUnresolved';
}

/** @throws any error for a name without addresses */
export type Resolve = (name: string) => Promise<readonly string[]>;

export interface Target {
  readonly url: URL;
  /** What is connected to, whatever the name leads to later. */
  readonly addresses: readonly [string, ...string[]];
}

const DNS_MS = 3_000;

/**
 * Where webhooks may go: to addresses of the public internet, over TLS. A name is looked up once, all that it leads to is
 * checked, and what was checked is connected to: a name that leads elsewhere a moment later gains nothing.
 */
export class Addresses {
  constructor(
    /** http and loopback addresses too: for development. */
    private readonly allowLoopback: boolean,
    private readonly resolve: Resolve = askNameServers,
  ) {}

  /** @throws AddressRefused @throws NameUnresolved */
  async targetOf(text: string): Promise<Target> {
    const url = this.readUrl(text);
    const name = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
    const addresses = isIP(name) > 0 ? [name] : await this.lookUp(name);
    for (const address of addresses) this.check(address, url);
    const [first, ...others] = [...addresses].sort((a, b) => isIP(a) - isIP(b));
    if (first === undefined) throw new NameUnresolved('url names a host that has no address');
    return { url, addresses: [first, ...others] };
  }

  private readUrl(text: string): URL {
    if (!URL.canParse(text)) throw new AddressRefused('url must be an absolute URL');
    const url = new URL(text);
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && this.allowLoopback)) {
      throw new AddressRefused('url must begin with https://');
    }
    if (url.username !== '' || url.password !== '') throw new AddressRefused('url must not hold credentials');
    if (url.hash !== '') throw new AddressRefused('url must not have a fragment');
    return url;
  }

  private async lookUp(name: string): Promise<readonly string[]> {
    // RFC 6761, 6.3: never to be asked of name servers.
    if (name === 'localhost' || name.endsWith('.localhost')) return ['127.0.0.1'];
    try {
      return await this.resolve(name);
    } catch (cause) {
      throw new NameUnresolved('url names a host that can not be found', { cause });
    }
  }

  private check(address: string, { protocol }: URL): void {
    const kind = kindOf(address);
    if (kind === 'loopback' && this.allowLoopback) return;
    if (kind !== 'public') throw new AddressRefused(`url must not lead to an address that is not public (${kind})`);
    if (protocol !== 'https:') throw new AddressRefused('url must begin with https:// unless it is a loopback address');
  }
}

/** `public`, or the kind of special range it is in (IANA special-purpose registries, RFC 6890). */
function kindOf(text: string): string {
  // An address with a zone is link-local by its nature.
  if (!ipaddr.isValid(text) || text.includes('%')) return 'not an address';
  const address = ipaddr.parse(text);
  const range = address.range();
  if (range !== 'unicast') return KINDS[range] ?? range;
  // Of IPv6 only 2000::/3 is given out (RFC 4291, 2.4); what is mapped, translated or tunnelled is not looked into.
  return address.kind() === 'ipv6' && ((address.toByteArray()[0] ?? 0) & 0xe0) !== 0x20 ? 'not global' : 'public';
}

const KINDS: Readonly<Record<string, string>> = {
  linkLocal: 'link-local',
  carrierGradeNat: 'carrier-grade NAT',
  uniqueLocal: 'unique local',
  ipv4Mapped: 'IPv4-mapped',
  rfc6145: 'IPv4-translated',
  rfc6052: 'NAT64',
};

/** Without the threads that file and key work shares: a name server that keeps silent holds up nothing else. */
async function askNameServers(name: string): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: DNS_MS / 2, tries: 2 });
  const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  const [failed] = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []));
  if (found.length === 0) throw failed;
  return found;
}
