import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { emailIndex } from '../../src/privacy/email-index.js';
import { loadMasterKeys } from '../../src/privacy/master-key-file.js';
import { Connection } from '../../src/stores/sqlite/connection.js';
import { HttpCaller } from '../support/http-call.js';
import {
  launch,
  type NodeProcess,
  type ServiceProcess,
  startService,
  temporaryFolder,
} from '../support/service-process.js';
import { type Canaries, Sender } from './canaries-entries.js';
import { type Place, placeOf, placesIn } from './canaries-search.js';

/** A key as the store keeps it, and as it is. */
export interface StoredKey {
  /** Customer and life. */
  readonly name: string;
  readonly erased: boolean;
  readonly wrapped: Uint8Array;
  /** Of a destroyed key there is none. */
  readonly plain: Uint8Array | undefined;
}

/** The built service on a folder of its own, from one start to the next, saying all it has to say. */
export class Session {
  private readonly processes: NodeProcess[] = [];
  private readonly refusals: Place[] = [];
  private current: { readonly service: ServiceProcess; readonly http: HttpCaller; readonly sender: Sender } | undefined;

  private constructor(readonly dataDir: string) {}

  static async start(): Promise<Session> {
    const session = new Session(await temporaryFolder());
    await session.start();
    return session;
  }

  /** Sends to the service that runs now. */
  get sender(): Sender {
    if (this.current === undefined) throw new Error('The service does not run');
    return this.current.sender;
  }

  async start(): Promise<void> {
    const service = await startService({ dataDir: this.dataDir, env: { LOG_LEVEL: 'trace', FORGET_GRACE_DAYS: '0' } });
    this.processes.push(service);
    const http = new HttpCaller(service.url, service.key);
    this.current = { service, http, sender: new Sender(http) };
  }

  async stop(): Promise<void> {
    this.collect();
    this.current?.http.close();
    expect(await this.current?.service.stop()).toEqual({ code: 0, signal: null });
    this.current = undefined;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Builds the read model anew, beside the service. */
  async rebuild(): Promise<void> {
    expect(await this.admin('rebuild')).toContain('Rebuilt');
  }

  /** Into the data folder: it is searched with all the rest from then on. @returns its name there */
  async export(): Promise<string> {
    const folder = join('exports', randomUUID());
    expect(await this.admin('audit', 'export', '--out', join(this.dataDir, folder))).toContain('events are in');
    return folder;
  }

  /** @returns what it printed */
  private async admin(...args: readonly string[]): Promise<string> {
    const command = await launch({ dataDir: this.dataDir, entry: 'dist/admin/main.js', args });
    this.processes.push(command);
    expect([await command.exited, command.stderr]).toEqual([{ code: 0, signal: null }, '']);
    return command.stdout;
  }

  get files(): Place[] {
    return placesIn(this.dataDir);
  }

  get logs(): Place[] {
    return this.processes.flatMap(({ stdout, stderr }, index) => [
      placeOf(`stdout ${index}`, stdout),
      placeOf(`stderr ${index}`, stderr),
    ]);
  }

  /** Every answer so far that told of an error. */
  get errors(): readonly Place[] {
    this.collect();
    return this.refusals;
  }

  /** In a connection that is closed at once: an open one would hold up what is to be watched. */
  inDatabase<T>(name: string, work: (connection: Connection) => T): T {
    const connection = this.connect(name);
    try {
      return work(connection);
    } finally {
      connection.close();
    }
  }

  /** While another process writes to this database and does not come to an end. */
  async whileLocked(name: string, work: () => Promise<void>): Promise<void> {
    const connection = this.connect(name);
    connection.exec('BEGIN IMMEDIATE');
    try {
      await work();
    } finally {
      connection.exec('ROLLBACK');
      connection.close();
    }
  }

  async readKeys(): Promise<StoredKey[]> {
    type Row = readonly [
      subject: string,
      revision: number,
      erased: number,
      master: string,
      wrapped: Uint8Array,
      fingerprint: string,
    ];
    const query = 'SELECT subject, revision, erased, master_key_id, wrapped, fingerprint FROM subject_keys';
    const rows = this.inDatabase('keys.db', (connection) => connection.query<Row>(query).all());
    const masterKeys = await loadMasterKeys({ masterKeyFile: join(this.dataDir, 'master.key') });
    return rows.map(([subject, revision, erased, padded, bytes, fingerprint]) => {
      const masterKeyId = padded.trimEnd();
      const wrapped = Uint8Array.from(bytes);
      const plain =
        erased === 1 ? undefined : masterKeys.unwrap({ subject, revision }, { masterKeyId, wrapped, fingerprint });
      return { name: `${subject} ${revision}`, erased: erased === 1, wrapped, plain };
    });
  }

  /** The keyed hash by which the views find the address. */
  async emailIndexOf(email: string): Promise<string> {
    const query = `SELECT master_key_id, wrapped, fingerprint FROM secrets WHERE name = 'email_index'`;
    const row = this.inDatabase('keys.db', (keys) => keys.query<[string, Uint8Array, string]>(query).get());
    if (row === undefined) throw new Error('There is no such secret');
    const [padded, wrapped, fingerprint] = row;
    const masterKeys = await loadMasterKeys({ masterKeyFile: join(this.dataDir, 'master.key') });
    return emailIndex(
      masterKeys.unwrap({ secret: 'email_index' }, { masterKeyId: padded.trimEnd(), wrapped, fingerprint }),
      email,
    );
  }

  private connect(name: string): Connection {
    return new Connection(join(this.dataDir, name), 1_000);
  }

  private collect(): void {
    const fresh = this.current?.sender.refusals.splice(0) ?? [];
    this.refusals.push(...fresh.map(({ name, text }) => placeOf(name, text)));
  }
}

export const LOCALE = 'is_IS';

export const creation = (canaries: Canaries, id: string, more: Readonly<Record<string, unknown>> = {}) => ({
  method: 'POST',
  path: '/customers',
  body: { id, locale: LOCALE, ...canaries.personal(id), ...more },
});

export const change = (canaries: Canaries, id: string, more: Readonly<Record<string, unknown>> = {}) => ({
  method: 'POST',
  path: `/customers/${id}`,
  body: { ...canaries.personal(`${id} updated`), ...more },
});
