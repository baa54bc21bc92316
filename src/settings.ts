/** A setting that stops the start. The message is one line that names it, never a value that could be a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment, each setting checked as it is read. An empty one counts as not set. @throws ConfigError */
export class Settings {
  constructor(private readonly env: Environment) {}

  text(name: string): string | undefined {
    const value = this.env[name]?.trim();
    if (value === undefined || value === '') return undefined;
    if (/\p{Cc}/u.test(value)) throw new ConfigError(`${name} must not contain control characters`);
    return value;
  }

  integer(name: string, min: number, max: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^\d{1,12}$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    throw new ConfigError(`${name} must be an integer from ${String(min)} to ${String(max)}`);
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = values.find((candidate) => candidate === text);
    if (value === undefined) throw new ConfigError(`${name} must be one of ${values.join(', ')}`);
    return value;
  }

  /** For a connection string, which can hold a password: what is wrong with it is said without it. */
  connection(name: string, schemes: readonly string[]): string | undefined {
    const text = this.text(name);
    const [, scheme = ''] = text === undefined ? [] : (/^([a-z+]+):\/\/./.exec(text) ?? []);
    if (text === undefined || schemes.includes(scheme)) return text;
    throw new ConfigError(`${name} must be a connection string with the scheme ${schemes.join(' or ')}`);
  }

  /** Without the slash at its end, so that paths can be appended. */
  url(name: string): string | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const plain = url?.username === '' && url.password === '' && url.search === '' && url.hash === '';
    if (!plain || !/^https?:$/.test(url.protocol)) {
      throw new ConfigError(`${name} must be an http or https URL without credentials, query and fragment`);
    }
    return url.href.replace(/\/+$/, '');
  }
}
