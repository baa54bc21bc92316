import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { inspect } from 'node:util';
import { UrlRefused } from '../url-refused.js';
import { MongoConnection } from './mongo-connection.js';
import { optionRules, valuesOf } from './option-rules.js';

const OPERATION_MS = 2_000;
const RULES = optionRules(OPERATION_MS);

/** All that the driver takes, from an address or from a program; not exported. */
const { OPTIONS } = createRequire(import.meta.url)('mongodb/lib/connection_string.js') as {
  readonly OPTIONS: Readonly<Record<string, { readonly type?: string }>>;
};

const opened: MongoConnection[] = [];
afterEach(async () => {
  for (const connection of opened.splice(0)) await connection.close();
});

const open = (options: string, scheme = 'mongodb'): MongoConnection => {
  const url = `${scheme}://the-user:the-password@host.example/the-database?${options}`;
  const connection = new MongoConnection({ url, defaultDatabase: 'd' });
  opened.push(connection);
  return connection;
};
/** @returns what it says, which never is what it was given */
const refusal = (options: string): string => {
  try {
    open(options);
  } catch (error) {
    expect(error).toBeInstanceOf(UrlRefused);
    const whole = inspect(error, { depth: 9, showHidden: true });
    expect(whole).not.toMatch(/the-user|the-password|host\.example|the-database|secret/);
    return (error as Error).message;
  }
  throw new Error(`Taken: ${options}`);
};

describe('an option of the address', () => {
  it.each<[string, object]>([
    ['retryWrites=false', { retryWrites: false, retryReads: true }],
    ['retryReads=false', { retryReads: false }],
    ['maxPoolSize=7&minPoolSize=2', { maxPoolSize: 7, minPoolSize: 2 }],
    ['MAXPOOLSIZE=7', { maxPoolSize: 7 }],
    ['maxIdleTimeMS=1000&maxConnecting=3', { maxIdleTimeMS: 1_000, maxConnecting: 3 }],
    ['appName=shop%2Fone', { appName: 'shop/one' }],
    ['serverSelectionTimeoutMS=700', { serverSelectionTimeoutMS: 700, waitQueueTimeoutMS: 1_500 }],
    ['waitQueueTimeoutMS=700', { waitQueueTimeoutMS: 700 }],
    ['connectTimeoutMS=900', { connectTimeoutMS: 900 }],
    ['socketTimeoutMS=20000', { socketTimeoutMS: 20_000 }],
    ['heartbeatFrequencyMS=5000', { heartbeatFrequencyMS: 5_000 }],
    ['compressors=zlib&zlibCompressionLevel=3', { compressors: ['zlib'], zlibCompressionLevel: 3 }],
    ['directConnection=true', { directConnection: true }],
    ['loadBalanced=true', { loadBalanced: true }],
    ['replicaSet=rs7', { replicaSet: 'rs7' }],
    ['tls=true&tlsAllowInvalidHostnames=true', { tls: true, checkServerIdentity: expect.any(Function) }],
    ['ssl=true&tlsInsecure=true', { tls: true, rejectUnauthorized: false }],
    [`tls=true&tlsCAFile=${encodeURIComponent(import.meta.filename)}`, { tlsCAFile: import.meta.filename }],
    ['authSource=users&authMechanism=PLAIN', { credentials: expect.objectContaining({ source: 'users' }) }],
    ['family=6&autoSelectFamily=false', { family: 6, autoSelectFamily: false }],
    ['serverMonitoringMode=poll', { serverMonitoringMode: 'poll' }],
    ['wtimeoutMS=700', { writeConcern: expect.objectContaining({ w: 'majority', journal: true, wtimeoutMS: 700 }) }],
    [
      'w=majority&journal=true&readPreference=primary&readConcernLevel=majority',
      { writeConcern: expect.objectContaining({ w: 'majority', journal: true, wtimeoutMS: 1_500 }) },
    ],
  ])('is honoured: %s', (options, expected) => {
    const { options: used } = open(options);
    expect(used).toMatchObject(expected);
    expect(used).toMatchObject({
      readPreference: expect.objectContaining({ mode: 'primary' }),
      readConcern: expect.objectContaining({ level: 'majority' }),
      writeConcern: expect.objectContaining({ w: 'majority', journal: true }),
    });
  });

  it('is what it is by default where the address has none', () => {
    expect(open('').options).toMatchObject({
      appName: 'customers',
      maxPoolSize: 30,
      maxIdleTimeMS: 60_000,
      serverSelectionTimeoutMS: 1_500,
      connectTimeoutMS: 1_500,
      waitQueueTimeoutMS: 1_500,
      socketTimeoutMS: 10_000,
      heartbeatFrequencyMS: 2_000,
      retryReads: true,
      retryWrites: true,
      writeConcern: expect.objectContaining({ w: 'majority', journal: true, wtimeoutMS: 1_500 }),
    });
  });

  it.each([
    ['w=0', 'The option w must be majority: what one server has, an election may take back'],
    ['w=1', 'The option w must be majority'],
    ['w=3', 'The option w must be majority'],
    ['w=secret', 'The option w must be majority'],
    ['journal=false', 'The option journal must be true: a write is answered once it is on a disk'],
    ['readPreference=secondary', 'The option readPreference must be primary: a secondary shows what was'],
    ['readPreference=primaryPreferred', 'The option readPreference must be primary'],
    ['readPreferenceTags=dc:secret', 'The option readPreferenceTags is not taken: only the primary is read'],
    ['maxStalenessSeconds=90', 'The option maxStalenessSeconds is not taken'],
    ['readConcernLevel=local', 'The option readConcernLevel must be majority'],
    ['readConcernLevel=linearizable', 'The option readConcernLevel must be majority'],
    ['timeoutMS=100', 'The option timeoutMS is not taken'],
    ['j=true', 'The option j is not taken: its name is journal'],
    ['serverSelectionTimeoutMS=30000', 'must be a whole number from 1 to 2000: an operation ends after 2000 ms'],
    ['waitQueueTimeoutMS=0', 'The option waitQueueTimeoutMS must be'],
    ['socketTimeoutMS=0', 'The option socketTimeoutMS must be'],
    ['maxPoolSize=secret', 'The option maxPoolSize must be a whole number from 0 to 10000'],
    ['maxPoolSize=-1', 'The option maxPoolSize must be'],
    ['maxPoolSize=', 'The option maxPoolSize has no value'],
    ['maxPoolSize=1&maxpoolsize=2', 'The option maxPoolSize is given twice'],
    ['retryWrites=secret', 'The option retryWrites must be true or false'],
    ['compressors=zlib,snappy', 'The option compressors must be none or zlib: the others need a package'],
    ['authMechanism=GSSAPI', 'The option authMechanism must be DEFAULT or SCRAM'],
    ['tlsCAFile=/secret/ca.crt', 'The option tlsCAFile names a file that can not be read'],
    ['proxyHost=secret', 'The option proxyHost is not taken: a SOCKS proxy needs a package'],
    ['dbName=secret', 'The option dbName is not taken: the path of the address names the database'],
    ['promoteLongs=false', 'The option promoteLongs is not taken'],
    ['mongodbLogPath=stdout', 'The option mongodbLogPath is not taken: commands would be written to a log'],
    ['uuidRepresentation=standard', 'The option uuidRepresentation is not known here'],
    ['sec%20ret=1', 'The option with a strange name is not known here'],
    ['directConnection=true&loadBalanced=true', 'The hosts, the user, the path and the options of this address do not'],
    ['tlsInsecure=true&tlsAllowInvalidHostnames=true', 'do not go together'],
  ])('is refused by its name: %s', (options, message) => {
    expect(refusal(options)).toContain(message);
  });

  it('is decided for each that the driver has: it is in the table, or refused as unknown', () => {
    const unknown = Object.keys(OPTIONS).filter((name) => RULES[name] === undefined);
    for (const name of unknown) expect(refusal(`${name}=1`)).toBe(`The option ${name} is not known here`);
    // Objects, functions and the like, which no address can hold; and what the driver passes on to a socket.
    expect(unknown.filter((name) => ['boolean', 'int', 'uint', 'string'].includes(OPTIONS[name]?.type ?? ''))).toEqual([
      'minInternalBufferSize',
      'noDelay',
      '__skipPingOnConnect',
    ]);
    const driver = new Set(Object.keys(OPTIONS));
    expect(Object.keys(RULES).filter((name) => !driver.has(name))).toEqual([]);
  });

  it.each(['mongodb://u:pa?secret@host/', 'mongodb://u:secret/x@host', 'mongodb://u:se?cret=1@host/x', 'mongodb://'])(
    'is not looked for in what is no address: %s',
    (url) => {
      expect(() => new MongoConnection({ url, defaultDatabase: 'd' })).toThrow(
        'This is no address of a MongoDB database (mongodb://host:port/database)',
      );
    },
  );

  it('is explained in the documentation, each as it is decided', () => {
    const documented = readFileSync('docs/operations.md', 'utf8');
    for (const [name, rule] of Object.entries(RULES)) {
      const [row = ''] = documented.split('\n').filter((line) => line.startsWith('|') && line.includes(`\`${name}\``));
      const told = rule.kind === 'number' || rule.kind === 'one of' ? valuesOf(rule) : '';
      const refused = row.includes('refused');
      expect([name, row !== '', refused]).toEqual([name, true, rule.kind === 'refused']);
      expect([name, row]).toEqual([name, expect.stringContaining(told.replace(/^a whole number from /, ''))]);
    }
  });
});
