import { createRoute, OpenAPIHono } from '@hono/zod-openapi';
import type { ApiEnv } from '../http/api-env.ts';
import { jsonBody } from '../http/json-body.ts';
import { body, bodyErrors, commonErrors, json, keySecurity, problems } from '../http/openapi.ts';
import { admitTenant } from '../http/admit-tenant.ts';
import { strictQuery } from '../http/strict-query.ts';
import { validationHook } from '../http/validation-hook.ts';
import { searchResponseSchema } from './search-answer.schemas.ts';
import { fromBody, fromQuery, toResultBody } from './search.mapper.ts';
import { createSearchBodySchema, searchQuerySchema } from './search.schemas.ts';
import type { SearchService } from './search.service.ts';

const path = '/v1/memory/search';
const common = { path, tags: ['search'], security: keySecurity };

export interface SearchRoutesDeps {
  readonly service: SearchService;
  readonly maxBodyBytes: number;
  /** Of the JSON text of what is asked about metadata. */
  readonly maxMetadataBytes: number;
}

export function searchRoutes({ service, maxBodyBytes, maxMetadataBytes }: SearchRoutesDeps) {
  const get = createRoute({
    ...common,
    method: 'get',
    summary: 'Search by meaning and by words',
    middleware: [strictQuery] as const,
    request: { query: searchQuerySchema },
    responses: {
      200: json(searchResponseSchema, 'The best hits, best first.'),
      ...problems(...commonErrors),
    },
  });

  const post = createRoute({
    ...common,
    method: 'post',
    summary: 'Search with filters',
    middleware: [jsonBody({ maxBytes: maxBodyBytes })] as const,
    request: { body: body(createSearchBodySchema(maxMetadataBytes)) },
    responses: {
      200: json(searchResponseSchema, 'The best hits, best first.'),
      ...problems(...bodyErrors, ...commonErrors),
    },
  });

  return new OpenAPIHono<ApiEnv>({ defaultHook: validationHook })
    .openapi(get, async (c) => {
      const query = c.req.valid('query');
      const where = { in: 'query', pointer: '/tenant_id' } as const;
      const tenantId = await admitTenant(c, query.tenant_id, where);
      return c.json(toResultBody(await service.search(fromQuery(query, { tenantId, signal: c.get('signal')() }))), 200);
    })
    .openapi(post, async (c) => {
      const input = c.req.valid('json');
      const where = { in: 'body', pointer: '/tenant_id' } as const;
      const tenantId = await admitTenant(c, input.tenant_id, where);
      return c.json(toResultBody(await service.search(fromBody(input, { tenantId, signal: c.get('signal')() }))), 200);
    });
}
