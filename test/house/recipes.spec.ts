import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SUSPENSION } from './fixtures/planted-event.js';
import { PHONE } from './fixtures/planted-field.js';
import { type Hunk, PlantedTree } from './planted-tree.js';

const COMMANDS = 'src/customers/commands';
const VERIFIER = 'tools/verify-export.mjs';
const BEHAVIOUR = 'test/house/fixtures/planted-behaviour.ts';
const OUT = join('test-output', `planted-${String(process.pid)}`);

/** Commands of the bus that nothing handles, and those that nothing outside of their folder sends. */
function lonelyCommands(textOf: (file: string) => string): { readonly unhandled: string[]; readonly unsent: string[] } {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).map((name) => join('src', name));
  const sources = files.filter((file) => /(?<!\.spec)\.ts$/.test(file));
  const found = (pattern: RegExp, where: readonly string[]): string[] =>
    [...where.map(textOf).join('\n').matchAll(pattern)].map(([, name = '']) => name);
  const own = sources.filter((file) => file.startsWith(COMMANDS));
  const others = sources.filter((file) => !file.startsWith(COMMANDS));
  const commands = found(/^export class (\w+) extends (?:Plain)?Command\b/gm, own);
  const handled = [...found(/@CommandHandler\((\w+)\)/g, own), ...found(/PLAIN_HANDLERS = \[([^\]]*)\]/g, own)].join();
  const imported = found(/import \{([^}]*)\} from '[^']*\/commands\/[^']*'/g, others).join();
  const missingIn = (names: string): string[] => commands.filter((name) => !new RegExp(`\\b${name}\\b`).test(names));
  return { unhandled: missingIn(handled), unsent: missingIn(imported) };
}

describe('a command of the bus', () => {
  const { unhandled, unsent } = lonelyCommands((file) => readFileSync(file, 'utf8'));

  it('has a handler', () => {
    expect(unhandled).toEqual([]);
  });

  it('is sent from somewhere', () => {
    expect(unsent).toEqual([]);
  });
});

describe('a field or an event that is added as the README says', () => {
  const tree = new PlantedTree(BEHAVIOUR, OUT);
  const all = [...PHONE, ...SUSPENSION];
  const filesOf = (hunks: readonly Hunk[]): string[] => [...new Set(hunks.map(({ file }) => file))];
  const compiled = filesOf(all).filter((file) => file.endsWith('.ts'));

  beforeAll(() => {
    mkdirSync(join(OUT, 'tools'), { recursive: true });
  });
  afterAll(() => {
    rmSync(OUT, { recursive: true, force: true });
  });

  /** What is read of something that is missing or wrong: from the compiler, else from a test. */
  async function complaints(planted: readonly Hunk[]): Promise<string> {
    tree.plant(planted);
    const messages = tree.firstMessages(compiled);
    if (messages.length > 0) return messages.join();
    const { unhandled, unsent } = lonelyCommands((file) => tree.textOf(file));
    return [...unhandled, ...unsent, ...(await unknownToVerifier())].join();
  }

  /** As `knows every event that a customer can have` in test/contracts/separate-replay.spec.ts. */
  async function unknownToVerifier(): Promise<string[]> {
    const verifier = join(OUT, `verifier-${String(performance.now())}.mjs`);
    writeFileSync(verifier, tree.textOf(VERIFIER));
    const { KNOWN_TYPES } = (await import(pathToFileURL(verifier).href)) as { KNOWN_TYPES: readonly string[] };
    const [, entries = ''] = tree.textOf('src/customers/domain/events.ts').split('export const EVENTS');
    const types = [...entries.matchAll(/^ {2}(\w+): \{/gm)].map(([, type = '']) => type);
    return types.filter((type) => !KNOWN_TYPES.includes(type));
  }

  it.each([
    ['a personal field with its event', PHONE],
    ['an event with its command and route', SUSPENSION],
  ])('changes at most six source files: %s', (_, hunks) => {
    expect(filesOf(hunks).length).toBeLessThanOrEqual(6);
  });

  it('compiles, and is there in every answer, event, history, export and document, sealed and erased', () => {
    tree.plant(all);
    expect(tree.messages()).toEqual([]);
    tree.emit();
    writeFileSync(join(OUT, VERIFIER), tree.textOf(VERIFIER));
    cpSync('src/audit/page', join(OUT, 'src/audit/page'), { recursive: true });
    const script = join(OUT, BEHAVIOUR.replace('.ts', '.js'));
    const seen = JSON.parse(execFileSync(process.execPath, [script], { encoding: 'utf8' })) as Record<string, unknown>;
    const [first, second] = ['+1 650 555 0100', '+1 650 555 0199'];
    const both = { phone: first, suspended: true };
    const { documented, ...behaviour } = seen;
    expect(behaviour).toEqual({
      answers: [{ phone: first }, { phone: second }, {}, both, both, both],
      refused: { status: 400 },
      opened: { history: changesOf(first, second), asOf: both, feed: eventsOf({ phone: first }, { phone: second }) },
      hidden: {
        history: changesOf('[personal]', '[personal]'),
        asOf: { phone: '[personal]', suspended: true },
        feed: eventsOf({ redacted: ['phone'] }, { redacted: ['phone'] }),
      },
      inClear: [],
      erased: {
        got: {},
        history: [
          ...changesOf('[erased]', '[erased]'),
          { pointer: '/suspended', before: true },
          { pointer: '/phone', before: '[erased]' },
        ],
        feed: eventsOf({ erased: ['phone'] }, { erased: ['phone'] }),
      },
      unlikeReplay: [],
      unknownToVerifier: [],
    });
    const everywhere = ['AuditedCustomerResponse', 'CloudEventDataResponse', 'CustomerResponse'];
    const requests = ['CreateCustomerRequest', 'UpdateCustomerRequest'];
    const phone = [...everywhere, ...requests, 'ShippingRequest'].sort();
    expect(documented).toEqual({ phone, suspended: everywhere });
  }, 180_000);

  const ofEach = all.map((hunk) => [hunk.file, hunk.name, [hunk]] as const);
  const ofFiles = [PHONE, SUSPENSION].flatMap((hunks) =>
    filesOf(hunks).map((file) => [file, 'all of it', hunks.filter((hunk) => hunk.file === file)] as const),
  );
  const several = ofFiles.filter(([, , hunks]) => hunks.length > 1);

  it.each([...ofEach, ...several])(
    'does not compile, or fails a test, while %s lacks %s',
    async (_file, _name, left) => {
      const found = await complaints(all.filter((hunk) => !left.includes(hunk)));
      expect(found).toMatch(left.some((hunk) => PHONE.includes(hunk)) ? /phone/i : /suspend/i);
    },
  );

  it.each([
    ['its entry says that it is not personal', 'its entry', `personal: true`, `personal: false`],
    ['its event has it as text', 'the data of its event', `P['phone']`, `string`],
    ['its event is decoded in clear', 'the entry of its event', `'personal | null'`, `'text | null'`],
    ['a creation is decoded in clear', 'its place in a creation', `'personal?'`, `'text?'`],
  ])('does not compile where a personal value could be written in clear: %s', async (_, name, right, wrong) => {
    const spoil = (hunk: Hunk): Hunk => ({ ...hunk, put: hunk.put.replace(right, wrong) });
    const spoilt = all.map((hunk) => (PHONE.includes(hunk) && hunk.name === name ? spoil(hunk) : hunk));
    tree.plant(spoilt);
    expect(tree.firstMessages(compiled).join()).toMatch(/personal|phone/);
  });
});

/** The changes of a customer that got a phone number, another, none, and the first again, and was suspended then. */
const changesOf = (first: string, second: string): readonly object[] => [
  { pointer: '/phone', after: first },
  { pointer: '/phone', before: first, after: second },
  { pointer: '/phone', before: second },
  { pointer: '/phone', after: first },
  { pointer: '/suspended', after: true },
];

const eventsOf = (first: object, second: object): readonly (readonly [string, object])[] => [
  ['customer.created', first],
  ['customer.phone_changed', second],
  ['customer.phone_changed', { phone: null }],
  ['customer.phone_changed', first],
  ['customer.suspended', { suspended: true }],
];
