import { createRoute, OpenAPIHono, type z } from '@hono/zod-openapi';
import type { Context, MiddlewareHandler } from 'hono';
import { createGiveWay } from '../cost/give-way.ts';
import type { ApiEnv } from '../http/api-env.ts';
import { admitTenant } from '../http/tenant.ts';
import { AnswerBudget, answerJson } from '../http/json-answer.ts';
import { body, bodyErrors, commonErrors, json, needsScope, problems } from '../http/openapi.ts';
import { withTenantSlot, type ReadLimiter } from '../http/tenant-slot.ts';
import { validationHook } from '../http/validation-hook.ts';
import type { SearchRequest } from './query/search-request.ts';
import { searchResponseSchema } from './search-answer.schemas.ts';
import { costOf } from './search-cost.ts';
import { fromBody, fromQuery, toResultJson } from './search.mapper.ts';
import { createSearchBodySchema, searchExamples, searchQuerySchema } from './search.schemas.ts';
import type { SearchService } from './search.service.ts';

const path = '/v1/memory/search';
const common = { path, tags: ['search'], ...needsScope('search') };

export interface SearchRoutesDeps {
  readonly service: SearchService;
  readonly limiter: ReadLimiter;
  readonly readBody: MiddlewareHandler<ApiEnv>;
  /** Of the JSON text of what is asked about metadata. */
  readonly maxMetadataBytes: number;
}

export function searchRoutes({ service, limiter, readBody, maxMetadataBytes }: SearchRoutesDeps) {
  const get = createRoute({
    ...common,
    method: 'get',
    operationId: 'searchMemoryByQueryString',
    summary: 'Search by meaning and by words',
    request: { query: searchQuerySchema },
    responses: {
      200: json(searchResponseSchema, 'The best hits, best first.'),
      ...problems(...commonErrors),
    },
  });

  const post = createRoute({
    ...common,
    method: 'post',
    operationId: 'searchMemory',
    summary: 'Search with filters',
    middleware: [readBody] as const,
    request: { body: body(createSearchBodySchema(maxMetadataBytes), searchExamples) },
    responses: {
      200: json(searchResponseSchema, 'The best hits, best first.'),
      ...problems(...bodyErrors, ...commonErrors),
    },
  });

  function answer(c: Context<ApiEnv>, request: SearchRequest) {
    const { tenantId, signal } = request;
    const cost = costOf(request);
    return withTenantSlot(c, { limiter, tenantId, cost }, async () => {
      const giveWay = createGiveWay({ ...cost, hasOthers: () => limiter.hasOthers(tenantId), signal });
      const pieces = await toResultJson(await service.search(request, giveWay), new AnswerBudget());
      return answerJson<z.input<typeof searchResponseSchema>, 200>(c, pieces, 200);
    });
  }

  return new OpenAPIHono<ApiEnv>({ defaultHook: validationHook })
    .openapi(get, async (c) => {
      const query = c.req.valid('query');
      const where = { in: 'query', pointer: '/tenant_id' } as const;
      const tenantId = await admitTenant(c, query.tenant_id, where);
      return answer(c, fromQuery(query, { tenantId, signal: c.get('signal')() }));
    })
    .openapi(post, async (c) => {
      const input = c.req.valid('json');
      const where = { in: 'body', pointer: '/tenant_id' } as const;
      const tenantId = await admitTenant(c, input.tenant_id, where);
      return answer(c, fromBody(input, { tenantId, signal: c.get('signal')() }));
    });
}
