import { readFileSync } from 'node:fs';

const linesOf = (file: string): string[] => readFileSync(file, 'utf8').split('\n');

/** What the image or its volumes settle, and what is for development alone. */
const SETTLED = ['PORT', 'HOST', 'DATA_DIR', 'MASTER_KEY_FILE', 'WEBHOOKS_ALLOW_LOOPBACK'];

/** What of this folder is copied into the image. */
const copied = (): string[] =>
  linesOf('Dockerfile').flatMap((line) => {
    const [instruction, ...paths] = line.split(/\s+/);
    return instruction === 'COPY' && !line.includes('--from=') ? paths.slice(0, -1) : [];
  });

describe('the image and the compose file', () => {
  it('copy nothing into the image that .dockerignore keeps out', () => {
    const letThrough = linesOf('.dockerignore').flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
    expect(copied()).toContain('src');
    expect(copied().filter((path) => !letThrough.includes(path))).toEqual([]);
  });

  it('copy into the image what the build reads besides the sources', () => {
    const read = [...readFileSync('tools/build.mjs', 'utf8').matchAll(/'(tools\/[^']+)'/g)].map(([, tool]) => tool);
    expect(read).not.toEqual([]);
    expect(copied()).toEqual(expect.arrayContaining(read));
  });

  it('hand every setting on to the service', () => {
    const settings = linesOf('.env.example').flatMap((line) => /^([A-Z_]+)=/.exec(line)?.[1] ?? []);
    const [, service = ''] = readFileSync('docker-compose.yml', 'utf8').split('\n  customers:\n');
    const handedOn = [...service.matchAll(/^ {6}([A-Z_]+): /gm)].map(([, name]) => name);
    expect(settings).toContain('MONGODB_URL');
    expect(settings.filter((name) => !SETTLED.includes(name) && !handedOn.includes(name))).toEqual([]);
  });
});
