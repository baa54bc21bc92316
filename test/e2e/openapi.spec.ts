import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Controller, Get, Module, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { MetadataScanner, ModulesContainer, NestFactory, Reflector } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Ajv2020, type AnySchemaObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { FastifyInstance } from 'fastify';
import { Public, requiredAccess, RequiresScope } from '../../src/access/required-access.js';
import { AppModule } from '../../src/app.module.js';
import { readConfig } from '../../src/config.js';
import { AcceptAllSourceDirectory } from '../../src/customers/sources/accept-all-source-directory.js';
import { configureApp, createHttpAdapter } from '../../src/http/configure-app.js';
import { openApiDocument } from '../../src/http/openapi.js';
import { ServiceLogger } from '../../src/http/service-logger.js';
import { LogCursors } from '../../src/subscribers/log-cursors.js';
import { type Answer, type Call, HttpCaller } from '../support/http-call.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { CheckpointSigner } from '../../src/audit/checkpoint-signer.js';
import { exerciseAudit, exerciseErasure, exerciseTree } from './openapi-audit.js';
import { ADDRESSES, OPERATIONS, ROUTE_ACCESS } from './openapi-routes.js';
import { exerciseWebhooks } from './openapi-webhooks.js';

type Examples = Readonly<Record<string, { readonly value: unknown }>>;
interface Media {
  readonly schema: AnySchemaObject;
  readonly examples?: Examples;
}
type Content = Readonly<Record<string, Media>>;
interface Operation {
  readonly operationId: string;
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<
    Record<string, { readonly content?: Content; readonly headers?: Readonly<Record<string, unknown>> }>
  >;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, AnySchemaObject>> };
}

const JSON_MEDIA = 'application/json';
const committed = readFileSync('openapi.json', 'utf8');
const document = JSON.parse(committed) as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
);

/** A service answers nothing that its document does not tell: what a schema does not name is not allowed in it. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closed(value)]));
  return 'properties' in inner && !('additionalProperties' in inner)
    ? { ...inner, additionalProperties: false }
    : inner;
}

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema({ $id: 'openapi', components: closed(document.components) as object });
const compiled = new Map<string, ValidateFunction>();

/** @returns what is wrong with the value, if anything */
function faultsOf(schema: AnySchemaObject, value: unknown): unknown {
  const text = JSON.stringify(closed(schema)).replaceAll('"#/components/', '"openapi#/components/');
  const validate = compiled.get(text) ?? ajv.compile(JSON.parse(text) as AnySchemaObject);
  compiled.set(text, validate);
  return validate(value) ? null : validate.errors;
}

describe('the committed openapi.json', () => {
  let app: TestApp;
  let http: HttpCaller;
  beforeAll(async () => {
    app = await startTestApp({ config: { webhooksAllowLoopback: true } });
    http = new HttpCaller(await app.listen(), app.secret);
  });
  afterAll(async () => {
    http.close();
    await app.close();
  });

  it('is what the code makes, to the letter; npm run openapi writes it anew', () => {
    expect(`${JSON.stringify(openApiDocument(app.service.app), null, 2)}\n`).toBe(committed);
  });

  it('is what the service tells of itself, to anyone', async () => {
    const answer = await http.call({ path: '/openapi.json', headers: { authorization: '' } });
    expect([answer.status, answer.json()]).toEqual([200, document]);
  });

  it('has the operations of the contract, and no others', () => {
    expect(operations.map(({ name }) => name).sort()).toEqual(OPERATIONS);
  });

  it.each(operations)(
    'shows for $name an example of each body and each answer, and each is as its schema says',
    ({ operation }) => {
      const contents: [string, Content | undefined][] = [
        ['body', operation.requestBody?.content],
        ...Object.entries(operation.responses).map(([status, { content }]): [string, Content | undefined] => [
          status,
          content,
        ]),
      ];
      for (const [where, content] of contents) {
        if (content === undefined) {
          expect(['body', '204']).toContain(where);
          continue;
        }
        for (const [type, { schema, examples = {} }] of Object.entries(content)) {
          expect([where, type, Object.keys(examples).length > 0]).toEqual([where, type, true]);
          for (const [name, { value }] of Object.entries(examples)) {
            expect([where, name, faultsOf(schema, value)]).toEqual([where, name, null]);
          }
        }
      }
    },
  );

  it('shows each code of an error in an example, under the status and with the type it has', () => {
    const types: Record<string, Set<unknown>> = {};
    const shown = new Map<string, string>();
    for (const { operation } of operations) {
      for (const [status, { content }] of Object.entries(operation.responses)) {
        if (status < '400') continue;
        for (const [code, { value }] of Object.entries(content?.[JSON_MEDIA]?.examples ?? {})) {
          const { type, errors } = value as { type: string; errors: { code: string }[] };
          (types[status] ??= new Set()).add(type);
          expect(errors.map((error) => error.code)).toEqual([code]);
          expect([code, shown.get(code) ?? status]).toEqual([code, status]);
          shown.set(code, status);
        }
      }
    }
    for (const [status, names] of Object.entries(types)) expect([status, names.size]).toEqual([status, 1]);
    const known = document.components.schemas['ErrorCode'] as { enum: string[] };
    // No operation answers 405: it is what an address answers to a method it does not have.
    expect([...shown.keys()].sort()).toEqual(known.enum.filter((code) => code !== 'method_not_allowed').sort());
  });

  it('holds for what the service really answers', async () => {
    const seen = new Set<string>();
    const told = async (name: string, call: Call): Promise<Answer> => {
      const answer = await http.call(call);
      const { operation } = operations.find((known) => known.name === name) ?? {};
      const response = operation?.responses[answer.status];
      expect([name, answer.status, response]).toEqual([name, answer.status, expect.any(Object)]);
      for (const header of Object.keys(response?.headers ?? {})) {
        expect([name, header, answer.headers[header.toLowerCase()]]).toEqual([name, header, expect.any(String)]);
      }
      const media = response?.content?.[JSON_MEDIA];
      if (media === undefined && response?.content === undefined) expect(answer.text).toBe('');
      else if (media === undefined) expect(Object.keys(response?.content ?? {})).toEqual(['text/plain']);
      else expect([name, answer.text, faultsOf(media.schema, answer.json())]).toEqual([name, answer.text, null]);
      seen.add(`${name} ${answer.status}`);
      return answer;
    };
    await exercise(told);
    await exerciseWebhooks(told);
    await exerciseAudit(told);
    await exerciseErasure(told);
    await app.settled();
    await app.service.app.get(CheckpointSigner).sign();
    await exerciseTree(told);
    for (const { name, operation } of operations) {
      const good = Object.keys(operation.responses).find((status) => status < '300') ?? '';
      // A stream does not come to an end by itself.
      if (name !== 'GET /events/stream') expect(seen).toContain(`${name} ${good}`);
    }
    expect(seen.size).toBeGreaterThan(30);
  });
});

/** Of a log that is not this one. */
const STRANGE = new LogCursors('another', { comparePositions: () => 0 }).write(undefined);

/** Every operation, in what it can answer without a fault of ours. */
async function exercise(told: (name: string, call: Call) => Promise<Answer>): Promise<void> {
  const [LIST, CREATE, EVENTS] = ['GET /customers', 'POST /customers', 'GET /events'] as const;
  const [GET, UPDATE, DELETE] = ['GET', 'POST', 'DELETE'].map((method) => `${method} /customers/{id}`) as [
    string,
    string,
    string,
  ];
  const [ATTACH, DETACH] = ['POST', 'DELETE'].map((method) => `${method} /customers/{id}/sources/{sourceId}`) as [
    string,
    string,
  ];
  const [id, sourceId] = ['c-1', randomUUID()];
  const post = (path: string, body?: unknown, headers = {}): Call => ({ method: 'POST', path, body, headers });
  const full = {
    email: 'jane@example.com',
    locale: 'en_US',
    type: 'individual',
    shipping: { name: 'Jane', address: { country: 'US' }, additionalAddressInfo: { division: 'D' } },
    taxCertificate: {
      companyName: 'C',
      taxAuthority: 'T',
      startDate: '2026-01-01',
      endDate: '2026-12-31',
      fileId: 'f',
    },
    metadata: { a: [1, null, { b: 'c' }], n: null },
  };
  await told(CREATE, post('/customers'));
  await told(CREATE, post('/customers', { id, ...full, defaultSourceId: sourceId }));
  await told(CREATE, post('/customers', { id }));
  await told(CREATE, post('/customers', { defaultSourceId: sourceId }));
  await told(CREATE, post('/customers', { nickname: 1, email: 'x', shipping: { address: {} } }));
  await told(CREATE, post('/customers', '{', { 'content-type': JSON_MEDIA }));
  await told(CREATE, post('/customers', '{}', { 'content-type': 'text/plain' }));
  await told(CREATE, post('/customers', 'x'.repeat(600_000), { 'content-type': JSON_MEDIA }));
  await told(CREATE, post('/customers', { id: 'k' }, { 'idempotency-key': 'k' }));
  await told(CREATE, post('/customers', { id: 'k', locale: 'en_US' }, { 'idempotency-key': 'k' }));
  await told(GET, { path: `/customers/${id}` });
  await told(GET, { path: '/customers/nobody' });
  await told(UPDATE, post(`/customers/${id}`, { ...full, locale: 'de_DE', enabled: false }));
  await told(UPDATE, post(`/customers/${id}`, {}, { 'if-match': '"999"' }));
  await told(UPDATE, post(`/customers/${id}`, { enabled: null }));
  await told(UPDATE, post('/customers/nobody', {}));
  await told(UPDATE, post(`/customers/${id}`, { type: 'business' }, { 'idempotency-key': 'u' }));
  await told(UPDATE, post(`/customers/${id}`, { type: 'individual' }, { 'idempotency-key': 'u' }));
  await told(ATTACH, post(`/customers/${id}/sources/${randomUUID()}`));
  await told(ATTACH, post(`/customers/k/sources/${sourceId}`));
  await told(ATTACH, post(`/customers/${id}/sources/1`));
  await told(ATTACH, post(`/customers/nobody/sources/${sourceId}`));
  for (const query of ['', '?limit=1', `?ids=${id}&email=JANE@example.com`, '?limit=0', '?startingAfter=nobody']) {
    await told(LIST, { path: `/customers${query}` });
  }
  await told(DETACH, { method: 'DELETE', path: `/customers/${id}/sources/${sourceId}` });
  await told(DETACH, { method: 'DELETE', path: `/customers/${id}/sources/${sourceId}` });
  await told(DETACH, { method: 'DELETE', path: `/customers/${id}/sources/1` });
  await told(DELETE, { method: 'DELETE', path: `/customers/${id}`, headers: { 'if-match': '"0"' } });
  await told(DELETE, { method: 'DELETE', path: `/customers/${id}` });
  await told(DELETE, { method: 'DELETE', path: `/customers/${id}` });
  for (const query of [
    '',
    '?limit=3',
    '?types=customer.created',
    `?customerId=${id}`,
    '?limit=0',
    `?after=${STRANGE}`,
  ]) {
    await told(EVENTS, { path: `/events${query}` });
  }
  for (const query of ['?types=x', `?after=${STRANGE}`]) {
    await told('GET /events/stream', { path: `/events/stream${query}` });
  }
  for (const [name, call] of [
    [LIST, { path: '/customers' }],
    [EVENTS, { path: '/events' }],
    ['GET /events/stream', { path: '/events/stream' }],
    [CREATE, post('/customers')],
    [GET, { path: `/customers/${id}` }],
    [UPDATE, post(`/customers/${id}`)],
    [DELETE, { method: 'DELETE', path: `/customers/${id}` }],
    [ATTACH, post(`/customers/${id}/sources/${sourceId}`)],
    [DETACH, { method: 'DELETE', path: `/customers/${id}/sources/${sourceId}` }],
  ] as const) {
    await told(name, { ...call, headers: { authorization: 'Bearer none' } });
    await told(name, { ...call, headers: { accept: 'text/html' } });
  }
}

interface Route {
  readonly handler: string;
  readonly access: ReturnType<typeof requiredAccess>;
}

/** Every handler of every controller, with what it declares. */
function routesOf(app: NestFastifyApplication): Route[] {
  const [reflector, scanner] = [new Reflector(), new MetadataScanner()];
  const controllers = [...app.get(ModulesContainer).values()].flatMap((module) => [...module.controllers.values()]);
  return controllers.flatMap(({ metatype, name: controller }) => {
    if (typeof metatype !== 'function') throw new Error(`${String(controller)} has no class`);
    const handlers = scanner.getAllMethodNames(metatype.prototype as object).flatMap((method) => {
      const handler: unknown = Reflect.get(metatype.prototype as object, method);
      return typeof handler === 'function' && Reflect.hasMetadata(METHOD_METADATA, handler)
        ? [{ method, handler }]
        : [];
    });
    expect(Reflect.hasMetadata(PATH_METADATA, metatype)).toBe(true);
    return handlers.map(({ method, handler }) => {
      const context = new ExecutionContextHost([], metatype as Type, handler);
      return { handler: `${String(controller)}.${method}`, access: requiredAccess(reflector, context) };
    });
  });
}

/** Every address the router knows, whoever put it there. */
const addressesOf = (app: NestFastifyApplication): string[] => {
  const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
  const lines = fastify.printRoutes({ commonPrefix: false }).split('\n');
  const levels: string[] = [];
  return lines.flatMap((line) => {
    const [, indent = '', path = '', methods] =
      /^([\u2502 ]*)[\u251c\u2514]\u2500\u2500 (\S+)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? [];
    if (path === '') return [];
    levels.length = indent.length / 4;
    levels.push(path);
    return methods === undefined ? [] : [levels.join('')];
  });
};

describe('every route', () => {
  it('declares a scope or is public, and none is there besides', async () => {
    const app = await startTestApp();
    try {
      const routes = routesOf(app.service.app);
      expect(Object.fromEntries(routes.map(({ handler, access }) => [handler, access]))).toEqual(ROUTE_ACCESS);
      // Whoever puts something into the router directly goes past all guards: these are the documents.
      const documents = /^\/(docs([*/]|$)|openapi\.json$)/;
      expect(
        addressesOf(app.service.app)
          .filter((path) => !documents.test(path))
          .sort(),
      ).toEqual(ADDRESSES);
    } finally {
      await app.close();
    }
  });

  it('that declares nothing is noticed, and closed to everyone', async () => {
    @Controller('planted')
    class PlantedController {
      @Get('nothing')
      nothing(): string {
        return 'open';
      }
      @Get('public')
      @Public()
      public(): string {
        return 'open';
      }
      @Get('scoped')
      @RequiresScope('admin')
      scoped(): string {
        return 'open';
      }
    }
    const host = await startTestApp();
    const parts = { ...host, config: readConfig({}), directory: new AcceptAllSourceDirectory() };
    @Module({ imports: [AppModule.with(parts)], controllers: [PlantedController] })
    class Root {}
    const options = { logger: false, bodyParser: false } as const;
    const app = await NestFactory.create<NestFastifyApplication>(Root, createHttpAdapter(parts.config), options);
    configureApp(app, new ServiceLogger('silent'));
    await app.init();
    try {
      expect(routesOf(app).filter(({ access }) => access === undefined)).toEqual([
        { handler: 'PlantedController.nothing', access: undefined },
      ]);
      const statuses = await Promise.all(
        ['nothing', 'public', 'scoped'].map(async (name) => {
          const headers = { authorization: `Bearer ${host.secret}` };
          return (await app.inject({ url: `/planted/${name}`, headers })).statusCode;
        }),
      );
      expect(statuses).toEqual([403, 200, 200]);
    } finally {
      await app.close();
      await host.close();
    }
  });
});
