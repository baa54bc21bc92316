/** What the service does with an option of the address. Whatever is not listed, is refused by its name. */
export type OptionRule =
  | { readonly kind: 'flag' | 'text' | 'file' }
  | { readonly kind: 'number'; readonly from: number; readonly to: number; readonly why?: string }
  /** A list of some of these, where several make sense. */
  | { readonly kind: 'one of'; readonly values: readonly string[]; readonly why: string }
  | { readonly kind: 'refused'; readonly why: string };

const flag = { kind: 'flag' } as const;
const text = { kind: 'text' } as const;
const file = { kind: 'file' } as const;
const number = (from: number, to: number, why?: string) =>
  ({ kind: 'number', from, to, ...(why !== undefined && { why }) }) as const;
const oneOf = (values: readonly string[], why: string) => ({ kind: 'one of', values, why }) as const;
const refused = (why: string) => ({ kind: 'refused', why }) as const;

const HOUR_MS = 3_600_000;
const NO_PACKAGE = 'the others need a package that the service does not have';
const NO_SOCKS = refused('a SOCKS proxy needs a package that the service does not have');
const PRIMARY_ALONE = 'only the primary is read';
const ITS_OWN = refused('the service decides how documents are read and written');
const NO_LOG = refused('commands would be written to a log');

/** Whom to talk to, and as whom. */
const WHOM = {
  directConnection: flag,
  loadBalanced: flag,
  replicaSet: text,
  srvServiceName: text,
  srvMaxHosts: number(0, 1_000),
  srvAllowedHostsSuffix: text,
  localThresholdMS: number(0, 10_000),
  authSource: text,
  authMechanism: oneOf(
    ['DEFAULT', 'SCRAM-SHA-1', 'SCRAM-SHA-256', 'PLAIN', 'MONGODB-X509', 'MONGODB-OIDC'],
    NO_PACKAGE,
  ),
  authMechanismProperties: text,
  appName: text,
} as const;

const HOW = {
  tls: flag,
  ssl: flag,
  tlsCAFile: file,
  tlsCRLFile: file,
  tlsCertificateKeyFile: file,
  tlsCertificateKeyFilePassword: text,
  tlsAllowInvalidCertificates: flag,
  tlsAllowInvalidHostnames: flag,
  tlsInsecure: flag,
  servername: text,
  family: oneOf(['4', '6'], 'there is IPv4 and IPv6'),
  autoSelectFamily: flag,
  autoSelectFamilyAttemptTimeout: number(10, 10_000),
  compressors: oneOf(['none', 'zlib'], NO_PACKAGE),
  zlibCompressionLevel: number(-1, 9),
} as const;

/** How many connections, and how long everything may take. */
const boundsFor = (operationMs: number, inOperation: OptionRule) => ({
  maxPoolSize: number(0, 10_000),
  minPoolSize: number(0, 10_000),
  maxConnecting: number(1, 100),
  maxIdleTimeMS: number(0, HOUR_MS),
  connectTimeoutMS: number(1, 10_000),
  socketTimeoutMS: number(operationMs, HOUR_MS, 'a connection whose answer nobody waits for must come free'),
  serverSelectionTimeoutMS: inOperation,
  waitQueueTimeoutMS: inOperation,
  heartbeatFrequencyMS: number(500, 10_000, 'the return of a server is noticed with a heartbeat'),
  minHeartbeatFrequencyMS: number(1, 10_000),
  serverMonitoringMode: oneOf(['auto', 'poll', 'stream'], 'the driver knows no other'),
});

const TRIED_AGAIN = {
  retryReads: flag,
  retryWrites: flag,
  maxAdaptiveRetries: number(0, 10),
  enableOverloadRetargeting: flag,
} as const;

const promisesWith = (inOperation: OptionRule) => ({
  w: oneOf(['majority'], 'what one server has, an election may take back'),
  journal: oneOf(['true'], 'a write is answered once it is on a disk'),
  wtimeoutMS: inOperation,
  readConcernLevel: oneOf(['majority'], 'what is read must not be taken back by an election'),
  readPreference: oneOf(['primary'], 'a secondary shows what was'),
});

const REFUSED = {
  readPreferenceTags: refused(PRIMARY_ALONE),
  maxStalenessSeconds: refused(PRIMARY_ALONE),
  j: refused('its name is journal'),
  fsync: refused('its name is journal'),
  wtimeout: refused('its name is wtimeoutMS'),
  timeoutMS: refused('the driver ignores it; the service ends each operation itself'),
  dbName: refused('the path of the address names the database'),
  proxyHost: NO_SOCKS,
  proxyPort: NO_SOCKS,
  proxyUsername: NO_SOCKS,
  proxyPassword: NO_SOCKS,
  monitorCommands: NO_LOG,
  mongodbLogPath: NO_LOG,
  mongodbLogComponentSeverities: NO_LOG,
  mongodbLogMaxDocumentLength: NO_LOG,
  bsonRegExp: ITS_OWN,
  checkKeys: ITS_OWN,
  enableUtf8Validation: ITS_OWN,
  forceServerObjectId: ITS_OWN,
  ignoreUndefined: ITS_OWN,
  promoteBuffers: ITS_OWN,
  promoteLongs: ITS_OWN,
  promoteValues: ITS_OWN,
  raw: ITS_OWN,
  serializeFunctions: ITS_OWN,
  useBigInt64: ITS_OWN,
} as const;

/** @param operationMs the most that a caller waits for an operation */
export function optionRules(operationMs: number): Readonly<Record<string, OptionRule>> {
  const inOperation = number(1, operationMs, `an operation ends after ${String(operationMs)} ms`);
  return {
    ...WHOM,
    ...HOW,
    ...boundsFor(operationMs, inOperation),
    ...TRIED_AGAIN,
    ...promisesWith(inOperation),
    ...REFUSED,
  };
}

/** What an option may be, in words. */
export function valuesOf(rule: OptionRule): string {
  switch (rule.kind) {
    case 'flag':
      return 'true or false';
    case 'number':
      return `a whole number from ${String(rule.from)} to ${String(rule.to)}`;
    case 'one of':
      return rule.values.join(' or ');
    case 'file':
      return 'a file that can be read';
    case 'text':
      return 'any text';
    case 'refused':
      return 'nothing';
  }
}
