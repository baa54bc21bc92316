import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { webhookRequests } from '../subscribers/webhooks/webhook-requests-docs.js';

const DESCRIPTION = `
Create, read, update and remove customers, attach payment sources to them, and follow what happens to them.

What a careful user should know:

- **Nothing is required.** A create without a body makes a customer. Absent values are left out of answers, never \`null\`.
  On create \`null\` for a field that can be cleared is the same as leaving it out; inside \`shipping\` it always is.
- **Unknown body fields are refused**, unknown query parameters are passed over. In an update the read-only fields are passed
  over too, so that a customer can be read, edited and posted back.
- **Operations that take no fields** take an empty body, \`{}\` or \`null\`; \`null\` is no body on all others, too.
- **Values** are described field by field; docs/values.md of the repository has the tables: texts, addresses, numbers, times, locales,
  what \`+\` means in a query. A value that an older release took and this one refuses can be sent back unchanged.
- **Ids** are narrower than elsewhere: 1 to 40 characters of \`A-Z a-z 0-9 . _ -\`. They outlive erasure.
- **Source ids** are UUIDs of any version; upper and lower case mean the same, answers show the lower.
- **Repeating safely:** send \`Idempotency-Key\` (1 to 255 printable ASCII characters) with a POST. The same key and body take
  effect once and are answered with the customer's present state.
- **Concurrent changes:** answers with a single customer carry an \`ETag\`; send it as \`If-Match\` to change only what you saw.
- **Headers that stand once** are refused when they are sent twice: \`Authorization\`, \`Content-Type\`, \`Host\`, \`Idempotency-Key\`,
  \`Last-Event-ID\`, \`Origin\`, \`X-Reason\`.
- **Tracing:** \`X-Request-Id\` is echoed when it matches \`[A-Za-z0-9._-]{1,64}\`, else made; a valid \`traceparent\` is kept with
  the change.
- **Saying why:** \`X-Reason\` on a change (a code, or a code, \`;\` and a text) is kept with it, for the audit.
- A body larger than the deployment allows (512 KiB unless configured) is 413, a method an address does not have is 405 with
  \`Allow\`, also OPTIONS (unless it is a preflight of an allowed origin); HEAD answers as GET does, without the body.
`.trim();

const DESCRIPTION_OF_BEARER =
  'An API key of this service or, where it is configured, a JWT of its issuer: `scope` names the scopes.';

/** The API's description, made from the code. A test holds the committed file equal to it. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Customers')
    .setDescription(DESCRIPTION)
    .setVersion('1.0.0')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addTag('Customers')
    .addTag('Events')
    .addTag('Webhooks')
    .addTag('Audit')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: DESCRIPTION_OF_BEARER })
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    operationIdFactory: (_controller, method) => method,
  });
  return { ...document, webhooks: webhookRequests() };
}

/** `/docs` and `/openapi.json`, public, with everything they need from this server. Built when first asked for. */
export function serveDocs(app: INestApplication): void {
  SwaggerModule.setup('docs', app, () => openApiDocument(app), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: 'Customers API',
    swaggerOptions: { validatorUrl: null, persistAuthorization: false },
  });
}
