import type { OpenAPIHono } from '@hono/zod-openapi';
import type { ApiEnv } from '../http/api-env.ts';

const description = `Store chat messages, find them by meaning and by words.

Every call but health needs an API key, in \`x-api-key\` or as a bearer token. A key bound to a tenant may leave
\`tenant_id\` out. Errors are RFC 9457 problem details, those of requests that reach no route too: 400
\`malformed_request\`, 408 \`request_timeout\`, 414 \`uri_too_long\`, 431 \`headers_too_large\`.`;

/** The OpenAPI 3.1 document, made from the same schemas that check the requests. */
export function openApiDocument(
  app: OpenAPIHono<ApiEnv>,
  version: string,
): ReturnType<OpenAPIHono<ApiEnv>['getOpenAPI31Document']> {
  app.openAPIRegistry.registerComponent('securitySchemes', 'apiKey', {
    type: 'apiKey',
    in: 'header',
    name: 'x-api-key',
  });
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' });
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'memory-layer', version, description, license: { name: 'MIT' } },
    servers: [{ url: '/' }],
  });
}
