/** Everything that can be set from outside, checked once at start. See `.env.example` for what each means. */
export interface Config {
  readonly port: number;
  readonly host: string;
  readonly dataDir: string;
  readonly apiKeyBootstrap?: string;
  /** `id:base64` pairs, the active one first. */
  readonly masterKeys?: readonly { readonly id: string; readonly key: Uint8Array }[];
  readonly masterKeyFile: string;
  readonly forgetGraceDays: number;
  readonly sourcesUrl?: string;
  readonly sourcesToken?: string;
  readonly liveMode: boolean;
  readonly logLevel: LogLevel;
  /** Bytes. */
  readonly bodyLimit: number;
}

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
