import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { routePath } from 'hono/route';
import { isScope, type Scope } from '../access/scopes.ts';
import type { ApiEnv } from './api-env.ts';

/** Where an operation of docs/openapi.json says which scope a key needs for it. */
export const scopeExtension = 'x-required-scope';

/** The scope that each operation asks for, as its route declares it. */
export class RequiredScopes {
  readonly #byOperation = new Map<string, Scope>();

  /** Of the operation that answers this request; undefined when none does. */
  readonly scopeOf = (c: Context<ApiEnv>): Scope | undefined => {
    const method = c.req.method === 'HEAD' ? 'GET' : c.req.method;
    return this.#byOperation.get(`${method} ${routePath(c, -1)}`);
  };

  /**
   * Reads the scopes of all routes, once they are mounted.
   *
   * @throws Error when a route that needs a key declares no scope: nobody may call it by accident.
   */
  learn(app: OpenAPIHono<ApiEnv>, needsKey: (path: string) => boolean): void {
    for (const definition of app.openAPIRegistry.definitions) {
      if (definition.type !== 'route') continue;
      const { method, path } = definition.route;
      const scope: unknown = definition.route[scopeExtension];
      if (typeof scope !== 'string' || !isScope(scope)) continue;
      this.#byOperation.set(`${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`, scope);
    }
    const forgotten = app.routes.find(
      ({ method, path }) => method !== 'ALL' && needsKey(path) && !this.#byOperation.has(`${method} ${path}`),
    );
    if (forgotten !== undefined) throw new Error(`no scope: ${forgotten.method} ${forgotten.path}`);
  }
}
