import { readFile } from 'node:fs/promises';
import { OpenAPIHono } from '@hono/zod-openapi';
import type { ApiEnv } from '../http/api-env.ts';

// Only what the page needs is served; nothing is fetched from elsewhere.
const assets: ReadonlyMap<string, string> = new Map([
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
  ['favicon-32x32.png', 'image/png'],
]);

const packageFolder = import.meta.resolve('swagger-ui-dist/package.json');

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>memory-layer API</title>
    <link rel="icon" href="/docs/favicon-32x32.png" />
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
  </head>
  <body>
    <div id="docs"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/init.js"></script>
  </body>
</html>
`;

// Swagger UI takes the lines of an import for one JSON text, so it shows them quoted: they are sent as they are.
const init = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  validatorUrl: null,
  requestInterceptor(request) {
    const isQuoted = new URL(request.url, location.href).pathname.endsWith('/v1/messages/import') && /^\\s*"/.test(request.body);
    return isQuoted ? { ...request, body: JSON.parse(request.body) } : request;
  },
});
`;

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'";

/** The answer to a browser that opens the address. */
const homePage = (version: string) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>memory-layer</title>
    <link rel="icon" href="/docs/favicon-32x32.png" />
  </head>
  <body>
    <h1>memory-layer ${version}</h1>
    <p>A memory for AI chat applications. Every call but those below needs an API key.</p>
    <ul>
      <li><a href="/docs">API reference</a> (<a href="/openapi.json">OpenAPI</a>)</li>
      <li><a href="/v1/admin/health">Health</a></li>
    </ul>
  </body>
</html>
`;

/** The page at the root, and the API reference: Swagger UI, served from its package. */
export function docsRoutes(version: string) {
  const headers = { 'content-security-policy': policy };
  return (
    new OpenAPIHono<ApiEnv>()
      .get('/', (c) => c.html(homePage(version), 200, headers))
      .get('/docs', (c) => c.html(page, 200, headers))
      // One route for all of them: beside a fixed path Hono's fast router takes no parameter.
      .get('/docs/:asset', async (c) => {
        const name = c.req.param('asset');
        if (name === 'init.js') {
          return c.body(init, 200, { ...headers, 'content-type': 'text/javascript; charset=utf-8' });
        }
        const type = assets.get(name);
        if (type === undefined) return c.notFound();
        const bytes = await readFile(new URL(name, packageFolder));
        return c.body(new Uint8Array(bytes), 200, {
          ...headers,
          'content-type': type,
          'cache-control': 'max-age=86400',
        });
      })
  );
}

const description = `Store chat messages, find them by meaning and by words.

Every call but health needs an API key, in \`x-api-key\` or as a bearer token. A key bound to a tenant may leave
\`tenant_id\` out. Errors are RFC 9457 problem details, those of requests that reach no route too: 400
\`malformed_request\`, 408 \`request_timeout\`, 414 \`uri_too_long\`, 431 \`headers_too_large\`. A path of another version
than \`/v1\` is answered 400 \`unsupported_version\`, with \`supported_versions\`.

Deprecated: \`message_metadata\` of a stored message, which is \`metadata\` under its older name. Answers that have it have
\`Deprecation\` (RFC 9745) and \`Sunset\` (RFC 8594) too: from then on it may be gone.`;

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
