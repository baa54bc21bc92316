import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import type { Answer, Call, HttpCaller } from '../support/http-call.js';

/** Unique values, one for each place where something personal could be sent, all remembered. */
export class Canaries {
  readonly all: { readonly where: string; readonly value: string }[] = [];
  /** What the contract has the answer name: the id of an address, the name of an unknown field. Found nowhere else. */
  readonly named = new Set<string>();

  text(where: string): string {
    return this.keep(where, `Zq${randomBytes(7).toString('hex')}Wx`);
  }

  /** With what has to be escaped in JSON and in addresses. */
  awkward(where: string): string {
    return this.keep(where, `Zq "${randomBytes(5).toString('hex')}" \u00e4\u20ac/+ Wx`);
  }

  email(where: string): string {
    return this.keep(where, `Zq.${randomBytes(7).toString('hex')}@Mail.Wx-${randomBytes(3).toString('hex')}.example`);
  }

  /** To a fraction of a second that no other time has. */
  date(where: string, year: number): string {
    return this.keep(where, `${year}-03-04T05:06:07.${String(randomInt(1e8, 1e9))}Z`);
  }

  naming(where: string): string {
    const value = this.email(where);
    this.named.add(value);
    return value;
  }

  /** All of a customer that is personal, under the names the contract has for it. */
  personal(whose: string): Record<string, unknown> {
    const text = (field: string): string => this.text(`${whose} ${field}`);
    return {
      email: this.email(`${whose} email`),
      shipping: {
        name: this.awkward(`${whose} shipping.name`),
        phone: text('shipping.phone'),
        email: this.email(`${whose} shipping.email`),
        organization: text('shipping.organization'),
        address: {
          country: text('country'),
          line1: text('line1'),
          line2: text('line2'),
          city: this.awkward(`${whose} city`),
          postalCode: text('postalCode'),
          state: text('state'),
        },
        additionalAddressInfo: {
          neighborhood: text('neighborhood'),
          division: text('division'),
          phoneticName: text('phoneticName'),
        },
      },
      taxCertificate: {
        companyName: this.awkward(`${whose} companyName`),
        taxAuthority: text('taxAuthority'),
        startDate: this.date(`${whose} startDate`, 1931),
        endDate: this.date(`${whose} endDate`, 2971),
        fileId: text('fileId'),
      },
      metadata: {
        [text('metadata key')]: text('metadata value'),
        nested: { [text('nested key')]: [this.awkward(`${whose} nested value`)] },
      },
    };
  }

  /** The newest one of this name. */
  last(where: string): string {
    const canary = this.all.findLast((kept) => kept.where === where);
    if (canary === undefined) throw new Error(`There is no canary for ${where}`);
    return canary.value;
  }

  private keep(where: string, value: string): string {
    this.all.push({ where, value });
    return value;
  }
}

/** Requests that are refused, each with canaries wherever a request can carry something. */
export function refusedCalls(canaries: Canaries, id: string): readonly Call[] {
  const json = { 'content-type': 'application/json' };
  const text = (where: string): string => canaries.text(where);
  const address = (where: string): string => encodeURIComponent(canaries.naming(where));
  const post = (body: unknown, headers: Readonly<Record<string, string>> = json): Call[] =>
    ['/customers', `/customers/${id}`].map((path) => ({ method: 'POST', path, body, headers }));
  return [
    ...post(`{"email":"${text('broken JSON')}",`),
    ...post(text('no JSON at all')),
    ...post(`"${text('JSON, but no object')}"`),
    ...post(`["${text('a list')}"]`),
    ...post(`{"email":"${text('broken escape')}\\x"}`),
    ...post(Buffer.concat([Buffer.from(`{"email":"${text('broken UTF-8')}`), Buffer.from([0xff, 0x22, 0x7d])])),
    ...post(`<email>${text('XML')}</email>`, { 'content-type': 'application/xml' }),
    ...post('{}', { 'content-type': `text/${text('content type')}` }),
    ...post('{}', { ...json, 'content-encoding': text('content encoding') }),
    ...post(`{"email":"${text('too large')}${'x'.repeat(600_000)}"}`),
    ...post({ email: `${text('bad address')} at home` }),
    ...post({ locale: text('bad locale') }),
    ...post({ type: text('bad type') }),
    ...post({ enabled: text('bad flag') }),
    ...post({ defaultSourceId: text('bad source') }),
    ...post({ shipping: text('bad shipping') }),
    ...post({ shipping: { email: text('bad shipping.email'), name: [text('bad shipping.name')] } }),
    ...post({ shipping: { address: { line1: text('no country') } } }),
    ...post({ taxCertificate: { companyName: text('half a certificate'), startDate: text('bad date') } }),
    ...post({ metadata: { [text('long key').repeat(3)]: 1, long: text('long value').repeat(40) } }),
    ...post({ metadata: Object.fromEntries(Array.from({ length: 21 }, (_, i) => [text(`pair ${i}`), text(`of pair ${i}`)])) }),
    ...post({ [canaries.naming('unknown field')]: text('of the unknown field') }),
    ...post({ id: canaries.email('bad id') }),
    ...post('{}', { ...json, 'idempotency-key': `${text('bad key')}\u00e9` }),
    ...post('{}', { ...json, 'x-reason': text('bad X-Reason') }),
    ...post('{}', { ...json, 'if-match': text('bad If-Match') }).slice(1),
    ...post('{}', { ...json, 'if-match': `"${text('another tag')}"` }).slice(1),
    ...post('{}', { ...json, authorization: `Bearer ${text('unknown secret')}` }),
    ...post('{}', { ...json, authorization: `Basic ${Buffer.from(`jane:${text('password')}`).toString('base64')}` }),
    ...post('{}', { ...json, authorization: text('no scheme') }),
    ...post('{}', { ...json, accept: `text/${text('accept')}` }),
    { path: `/customers/${address('path id')}` },
    { method: 'POST', path: `/customers/${address('path id of an update')}`, body: canaries.personal('nobody') },
    { method: 'DELETE', path: `/customers/${address('path id of a delete')}` },
    { method: 'POST', path: `/customers/${address('path id of an attach')}/sources/${randomUUID()}` },
    { method: 'POST', path: `/customers/${id}/sources/${encodeURIComponent(canaries.email('source id'))}` },
    { method: 'PUT', path: `/customers/${encodeURIComponent(canaries.email('path of a wrong method'))}` },
    { path: `/${encodeURIComponent(canaries.email('unknown address'))}/${text('more of it')}` },
    { path: `/customers/%zz${address('undecodable path').replaceAll('%40', '@')}` },
    { path: `/customers?limit=${text('bad limit')}` },
    { path: `/audit/events?actor=${encodeURIComponent(canaries.email('bad actor'))}` },
    { path: `/audit/customers/${address('path id of an audit')}/events` },
    { path: `/customers?startingAfter=${encodeURIComponent(canaries.email('cursor'))}` },
    { path: `/customers?createdTime=${text('bad time')}` },
    { path: `/customers?email[${text('operator')}]=${encodeURIComponent(canaries.email('with an operator'))}` },
    { path: `/customers?email=${encodeURIComponent(canaries.email('first of two'))}&email=${encodeURIComponent(canaries.email('second of two'))}` },
  ]; // prettier-ignore
}

/** Requests that are answered, with canaries where they have no effect or only a passing one. */
export function answeredCalls(canaries: Canaries, id: string, email: string): readonly Call[] {
  const address = (where: string): string => encodeURIComponent(canaries.email(where));
  const passing = {
    'x-request-id': canaries.email('X-Request-Id'),
    traceparent: `00-${canaries.text('traceparent')}`,
    tracestate: `a=${canaries.text('tracestate')}`,
    baggage: `user=${canaries.text('baggage')}`,
    'user-agent': canaries.text('User-Agent'),
    cookie: `session=${canaries.text('Cookie')}`,
    referer: `https://shop.example/?email=${address('Referer')}`,
    from: canaries.email('From'),
    'x-forwarded-for': canaries.text('X-Forwarded-For'),
    [canaries.text('name of a header')]: canaries.text('unknown header'),
  };
  return [
    { path: `/customers/${id}`, headers: passing },
    {
      path: `/customers?email=${encodeURIComponent(email)}&${canaries.text('unknown parameter')}=${canaries.text('its value')}`,
    },
    { path: `/customers?email=${address('filter')}`, headers: passing },
    { path: `/customers?ids=${address('ids')},${id}` },
    { path: `/openapi.json?${canaries.text('query of a document')}` },
    { path: `/health/live?email=${address('query of a check')}`, headers: passing },
    {
      method: 'POST',
      path: `/customers/${id}`,
      body: {
        locale: 'is_IS',
        sources: [canaries.text('passed over')],
        createdTime: canaries.email('passed over, too'),
      },
      headers: { ...passing, 'idempotency-key': `${canaries.email('Idempotency-Key')} 1` },
    },
  ];
}

/** Bytes that are no request, with canaries in them. */
export const brokenMessages = (canaries: Canaries): readonly string[] => [
  `${canaries.email('no HTTP')}\r\n\r\n`,
  `GET /customers/${canaries.email('bad version')} HTTP/9\r\n\r\n`,
  `GET / HTTP/1.1\r\nHost: x\r\n${canaries.text('no colon')}\r\n\r\n`,
  `POST /customers HTTP/1.1\r\nHost: x\r\nContent-Length: ${canaries.text('bad length')}\r\n\r\n`,
  `POST /customers HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${canaries.text('bad chunk')}\r\n`,
  `GET /${canaries.text('large head')} HTTP/1.1\r\nHost: x\r\nX: ${canaries.text('large header').repeat(1_500)}\r\n\r\n`,
];

/** Sends canaries, and keeps what came back: the refusals, to be searched, and their statuses. */
export class Sender {
  readonly refusals: { readonly name: string; readonly text: string }[] = [];
  readonly statuses: number[] = [];

  constructor(private readonly http: HttpCaller) {}

  async send(call: Call): Promise<Answer> {
    const answer = await this.http.call(call);
    this.statuses.push(answer.status);
    const text = `${JSON.stringify(answer.headers)}\n${answer.text}`;
    if (answer.status >= 400)
      this.refusals.push({ name: `${answer.status} to ${call.method ?? 'GET'} ${call.path}`, text });
    return answer;
  }

  async sendBroken(message: string): Promise<void> {
    this.refusals.push({ name: 'the answer to a broken message', text: await this.http.raw(message) });
  }

  /** @throws Error when it is not as it should be */
  async done(call: Call): Promise<Answer> {
    const answer = await this.send(call);
    if (answer.status >= 300)
      throw new Error(`${call.method ?? 'GET'} was answered with ${answer.status}: ${answer.text}`);
    return answer;
  }
}
