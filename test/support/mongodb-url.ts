import { readFileSync } from 'node:fs';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

const URL_PARTS = /^mongodb(\+srv)?:\/\/(?:([^@/?]*)@)?([^/?]+)(?:\/([^?]*))?(?:\?(.*))?$/;
/** Options that make the driver look for further servers, round a proxy that stands for one of them. */
const OF_SEVERAL_SERVERS = /^(replicaSet|loadBalanced|directConnection)$/i;
const OF_TLS = /^(tls.*|ssl)$/i;

export interface MongoDbUrl {
  readonly scheme: 'mongodb' | 'mongodb+srv';
  /** `user:password`, as they stand in the URL. */
  readonly credentials: string;
  readonly hosts: readonly string[];
  readonly database: string;
  readonly options: URLSearchParams;
}

export function parsed(url: string): MongoDbUrl {
  const parts = URL_PARTS.exec(url);
  if (parts === null) throw new Error('This is no address of a MongoDB');
  const [, srv, credentials = '', hosts = '', database = '', query = ''] = parts;
  const scheme = srv === undefined ? 'mongodb' : 'mongodb+srv';
  return { scheme, credentials, hosts: hosts.split(','), database, options: new URLSearchParams(query) };
}

const written = ({ scheme, credentials, hosts, database, options }: MongoDbUrl): string =>
  `${scheme}://${credentials === '' ? '' : `${credentials}@`}${hosts.join()}/${database}` +
  (options.size === 0 ? '' : `?${options.toString()}`);

/** The same address with another path; users are then looked up where they were before. */
export function inDatabase(url: string, name: string): string {
  const at = parsed(url);
  const options = new URLSearchParams(at.options);
  if (at.credentials !== '' && !hasOption(at, 'authSource')) options.set('authSource', at.database || 'admin');
  return written({ ...at, database: name, options });
}

/** The same users and options at one host, as `host:port`. */
export function atHost(url: string, host: string): string {
  const at = parsed(url);
  const options = without(at.options, /^srv/i);
  // What the scheme with the many hosts means, where nothing is told.
  if (isTls(at)) options.set('tls', 'true');
  return written({ ...at, scheme: 'mongodb', hosts: [host], options });
}

/**
 * The same users and options by way of a proxy, which is no member of any set and whose name is in no certificate.
 * @param address of the proxy, as `host:port`
 */
export function throughProxy(url: string, address: string): string {
  const at = parsed(atHost(url, address));
  const options = without(at.options, OF_SEVERAL_SERVERS);
  options.set('directConnection', 'true');
  // Where certificates are not looked at, names are not either, and the driver takes but one of the two options.
  if (isTls(at) && !hasOption(at, 'tlsInsecure')) options.set('tlsAllowInvalidHostnames', 'true');
  return written({ ...at, options });
}

/** As {@link throughProxy}, for a proxy that speaks TLS with the server itself, and none with its clients. */
export function throughOpenProxy(url: string, address: string): string {
  const at = parsed(throughProxy(url, address));
  return written({ ...at, options: without(at.options, OF_TLS) });
}

/** To the first host of the address, with its TLS. */
export function connectTo(url: string): Socket {
  const at = parsed(url);
  const { host, port } = hostIn(at.hosts[0] ?? '');
  if (!isTls(at)) return connectPlain({ host, port });
  return connectTls({ host, port, servername: host, ...tlsOptions(at) });
}

export function hostIn(address: string): { readonly host: string; readonly port: number } {
  const [, bare = address, port] = /^(.*?)(?::(\d+))?$/.exec(address) ?? [];
  return { host: decodeURIComponent(bare).replace(/^\[(.*)\]$/, '$1'), port: Number(port ?? 27017) };
}

function tlsOptions(at: MongoDbUrl): ConnectionOptions {
  const file = (name: string): Buffer | undefined => {
    const path = option(at, name);
    return path === undefined ? undefined : readFileSync(path);
  };
  const isOn = (name: string): boolean => option(at, name) === 'true';
  const ca = file('tlsCAFile');
  const own = file('tlsCertificateKeyFile');
  const passphrase = option(at, 'tlsCertificateKeyFilePassword');
  return {
    ...(ca !== undefined && { ca }),
    ...(own !== undefined && { cert: own, key: own }),
    ...(passphrase !== undefined && { passphrase }),
    ...((isOn('tlsInsecure') || isOn('tlsAllowInvalidCertificates')) && { rejectUnauthorized: false }),
    ...((isOn('tlsInsecure') || isOn('tlsAllowInvalidHostnames')) && { checkServerIdentity: () => undefined }),
  };
}

const isTls = (at: MongoDbUrl): boolean => {
  const told = option(at, 'tls') ?? option(at, 'ssl');
  return told === undefined ? at.scheme === 'mongodb+srv' : told === 'true';
};

const option = ({ options }: MongoDbUrl, name: string): string | undefined =>
  [...options].find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];

const hasOption = (at: MongoDbUrl, name: string): boolean => option(at, name) !== undefined;

const without = (options: URLSearchParams, pattern: RegExp): URLSearchParams =>
  new URLSearchParams([...options].filter(([name]) => !pattern.test(name)));
