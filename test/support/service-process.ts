import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export interface LaunchOptions {
  /** Settings beside, or in place of, those a test needs: any free port, a bootstrap key. An empty one counts as not set. */
  readonly env?: Readonly<Record<string, string>>;
  /** Made anew when absent. */
  readonly dataDir?: string;
  /** `dist/main.js` when absent. */
  readonly entry?: string;
  readonly args?: readonly string[];
  /** Flags of Node itself. */
  readonly nodeArgs?: readonly string[];
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const BOOTSTRAP_KEY = 'bootstrap-key-for-tests-only';
const START_MS = 60_000;
const STOP_MS = 20_000;

const alive = new Set<NodeProcess>();
const folders = new Set<string>();

/** A process of the built service, from its launch to its end. */
export class NodeProcess {
  /** All it has printed so far. */
  stdout = '';
  stderr = '';
  /** Once it has ended and all it printed has arrived. */
  readonly exited: Promise<Exit>;
  private readonly child: ChildProcess;
  private readonly listeners = new Set<() => void>();

  constructor(
    readonly dataDir: string,
    { env = {}, entry = 'dist/main.js', args = [], nodeArgs = [] }: LaunchOptions,
  ) {
    const settings = { PORT: '0', API_KEY_BOOTSTRAP: BOOTSTRAP_KEY, DATA_DIR: dataDir, ...env };
    // In its data folder and with nothing inherited, so that neither a .env nor the caller's settings reach it.
    this.child = spawn(process.execPath, [...nodeArgs, resolve(entry), ...args], {
      cwd: dataDir,
      env: { PATH: process.env['PATH'], ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => this.heard(() => (this.stdout += text)));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => this.heard(() => (this.stderr += text)));
    alive.add(this);
    this.exited = new Promise((settle, fail) => {
      this.child.on('error', fail);
      this.child.on('close', (code, signal) => {
        alive.delete(this);
        settle({ code, signal });
      });
    });
  }

  /** @returns false when it had ended already */
  kill(signal: NodeJS.Signals = 'SIGKILL'): boolean {
    return this.child.kill(signal);
  }

  /** Waits until it has printed this, on either stream. @throws Error when it ends, or the time does, before that */
  async printed(pattern: RegExp, ms = START_MS): Promise<RegExpExecArray> {
    let timer: NodeJS.Timeout | undefined;
    let look: () => void = () => undefined;
    try {
      return await new Promise<RegExpExecArray>((found, fail) => {
        const giveUp = (why: string): void =>
          fail(new Error(`${why} before ${pattern}:\n${this.stdout}${this.stderr}`));
        look = () => {
          const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
          if (match !== null) found(match);
        };
        this.listeners.add(look);
        timer = setTimeout(() => giveUp(`${ms} ms went by`), ms);
        this.exited.then(({ code, signal }) => giveUp(`The process ended (${code ?? signal})`), fail);
        look();
      });
    } finally {
      clearTimeout(timer);
      this.listeners.delete(look);
    }
  }

  /** Asks it to end and waits; ends it by force when it does not. */
  async stop(): Promise<Exit> {
    this.kill('SIGTERM');
    const force = setTimeout(() => this.kill('SIGKILL'), STOP_MS);
    return this.exited.finally(() => {
      clearTimeout(force);
    });
  }

  private heard(take: () => void): void {
    take();
    for (const look of [...this.listeners]) look();
  }
}

export type ServiceProcess = NodeProcess & {
  /** Without a slash at its end. */
  readonly url: string;
  /** A secret with all scopes: the bootstrap key, or the one printed on a first start without it. */
  readonly key: string;
};

/** A folder outside the repository, removed by {@link cleanUp}. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'customers-'));
  folders.add(folder);
  return folder;
}

/** Starts it without waiting for anything. */
export async function launch(options: LaunchOptions = {}): Promise<NodeProcess> {
  return new NodeProcess(options.dataDir ?? (await temporaryFolder()), options);
}

/** Starts the service and waits until it serves. @throws Error with all it printed, when it ends instead */
export async function startService(options: LaunchOptions = {}): Promise<ServiceProcess> {
  const process = await launch(options);
  const [, url = ''] = await process.printed(/^ *address +(http:\/\/\S+)$/m).catch(async (error: unknown) => {
    process.kill();
    await process.exited;
    throw error;
  });
  // The whole block is one write.
  const printedKey = /^ *API key +(\S+)/m.exec(process.stdout)?.[1];
  const key = printedKey ?? (options.env?.['API_KEY_BOOTSTRAP'] || BOOTSTRAP_KEY);
  return Object.assign(process, { url, key });
}

/** Ends, by force, what still runs. */
export async function endProcesses(): Promise<void> {
  const running = [...alive];
  for (const process of running) process.kill();
  await Promise.all(running.map((process) => process.exited));
}

/** Ends what still runs and removes the temporary folders. For `afterAll`, and for the end of a program. */
export async function cleanUp(): Promise<void> {
  await endProcesses();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
  folders.clear();
}
