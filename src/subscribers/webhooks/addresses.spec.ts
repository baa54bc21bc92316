import { Addresses, AddressRefused, NameUnresolved, type Resolve } from './addresses.js';

const leadsTo =
  (...addresses: string[]): Resolve =>
  () =>
    Promise.resolve(addresses);

const PUBLIC = ['93.184.216.34', '2606:2800:220:1:248:1893:25c8:1946'];

const REFUSED: readonly (readonly [kind: string, ...addresses: string[]])[] = [
  ['loopback', '127.0.0.1', '127.1.2.3', '::1'],
  ['private', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.0.1'],
  ['link-local', '169.254.169.254', '169.254.0.1', 'fe80::1', 'febf::1'],
  ['unique local', 'fc00::1', 'fd12:3456:789a::1', 'fd00:ec2::254'],
  ['unspecified', '0.0.0.0', '0.1.2.3', '::'],
  ['carrier-grade NAT', '100.64.0.1', '100.127.255.255', '100.100.100.200'],
  ['multicast', '224.0.0.1', '239.255.255.255', 'ff02::1'],
  ['broadcast', '255.255.255.255'],
  [
    'IPv4-mapped',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:10.0.0.1',
    '::ffff:169.254.169.254',
    '::127.0.0.1',
    '::ffff:93.184.216.34',
  ],
  ['IPv4-translated', '::ffff:0:127.0.0.1'],
  ['NAT64', '64:ff9b::127.0.0.1', '64:ff9b::a00:1', '64:ff9b:1::1'],
  ['6to4', '2002:7f00:1::', '2002:a00:1::1'],
  ['teredo', '2001:0:a00:1::1'],
  ['not global', '::7f00:1', '4000::1'],
  ['segmentRouting', '5f00::1'],
  ['deprecatedSiteLocal', 'fec0::1'],
  ['discard', '100::1'],
  ['reserved', '192.0.0.1', '192.0.2.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '240.0.0.1', '2001:db8::1'],
  ['not an address', 'fe80::1%eth0', 'localhost', ''],
];
const each = REFUSED.flatMap(([kind, ...addresses]) => addresses.map((address) => [kind, address] as const));

const hostOf = (address: string): string => (address.includes(':') ? `[${address}]` : address);

describe('addresses of webhooks', () => {
  it.each(PUBLIC)('may be public ones: %s', async (address) => {
    const { addresses, url } = await new Addresses(false, leadsTo(address)).targetOf(
      'https://hooks.example.com:8443/a?b=c',
    );
    expect(addresses).toEqual([address]);
    expect(url.href).toBe('https://hooks.example.com:8443/a?b=c');
    expect((await new Addresses(false).targetOf(`https://${hostOf(address)}/`)).addresses).toEqual([address]);
  });

  it.each(each)('are refused when a name leads to one that is not public (%s): %s', async (kind, address) => {
    const targeting = new Addresses(false, leadsTo(address)).targetOf('https://hooks.example.com/');
    await expect(targeting).rejects.toThrow(AddressRefused);
    await expect(targeting).rejects.toThrow(`url must not lead to an address that is not public (${kind})`);
  });

  it.each(each.filter(([kind]) => kind !== 'not an address'))(
    'are refused when written out and not public (%s): %s',
    async (_, address) => {
      await expect(new Addresses(false).targetOf(`https://${hostOf(address)}/`)).rejects.toThrow(AddressRefused);
    },
  );

  it.each([
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '127.1',
    '0',
    '①②⑦.0.0.1',
    '[::ffff:7f00:0001]',
    '[0:0:0:0:0:ffff:127.0.0.1]',
  ])('are refused in the other ways to write loopback: %s', async (host) => {
    await expect(new Addresses(false).targetOf(`https://${host}/`)).rejects.toThrow(AddressRefused);
  });

  it.each(['localhost', 'LOCALHOST', 'localhost.', 'a.localhost'])(
    'are refused by the names of this machine: %s',
    async (name) => {
      const asked: string[] = [];
      const resolve: Resolve = (host) => {
        asked.push(host);
        return Promise.resolve(PUBLIC);
      };
      await expect(new Addresses(false, resolve).targetOf(`https://${name}/`)).rejects.toThrow('(loopback)');
      expect(asked).toEqual([]);
    },
  );

  it('are refused when one of several is not public, whichever', async () => {
    for (const mixed of [
      [...PUBLIC, '10.0.0.1'],
      ['10.0.0.1', ...PUBLIC],
    ]) {
      await expect(new Addresses(false, leadsTo(...mixed)).targetOf('https://a.example/')).rejects.toThrow('(private)');
    }
  });

  it.each([
    ['http://hooks.example.com/', 'url must begin with https://'],
    ['ftp://hooks.example.com/', 'url must begin with https://'],
    ['file:///etc/passwd', 'url must begin with https://'],
    ['data:text/plain,x', 'url must begin with https://'],
    ['/hooks', 'url must be an absolute URL'],
    ['https://', 'url must be an absolute URL'],
    ['https://user:pass@hooks.example.com/', 'url must not hold credentials'],
    ['https://hooks.example.com/#a', 'url must not have a fragment'],
  ])('%s is refused: %s', async (url, message) => {
    await expect(new Addresses(false, leadsTo(...PUBLIC)).targetOf(url)).rejects.toThrow(message);
  });

  it('are refused when the name leads nowhere', async () => {
    const nowhere: Resolve = () => Promise.reject(new Error('ENOTFOUND'));
    for (const resolve of [nowhere, leadsTo()]) {
      await expect(new Addresses(false, resolve).targetOf('https://a.example/')).rejects.toThrow(NameUnresolved);
    }
  });

  it('may be of this machine where that is allowed, there by http too; others are not any more allowed by it', async () => {
    const addresses = new Addresses(true, leadsTo('127.0.0.1'));
    for (const url of [
      'http://127.0.0.1:80/',
      'http://[::1]:80/',
      'http://localhost/',
      'http://a.example/',
      'https://localhost/',
    ]) {
      await expect(addresses.targetOf(url)).resolves.toBeDefined();
    }
    await expect(addresses.targetOf('http://10.0.0.1/')).rejects.toThrow('(private)');
    await expect(addresses.targetOf('http://0.0.0.0/')).rejects.toThrow('(unspecified)');
    await expect(addresses.targetOf('http://[::ffff:127.0.0.1]/')).rejects.toThrow('(IPv4-mapped)');
    await expect(addresses.targetOf('http://93.184.216.34/')).rejects.toThrow('https');
  });
});
