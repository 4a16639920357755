import type { ChangeWatch } from '../access/change-watch.ts';
import type { RecordCache } from '../access/record-cache.ts';
import type { Tenant } from '../access/tenant.ts';

// All of them are read at every change, in some milliseconds. Where there are more, each is looked up as it is asked for.
const maxRemembered = 10_000;

export interface LimitedTenantsDeps {
  readonly watch: Pick<ChangeWatch, 'isFresh' | 'refresh' | 'onChange'>;
  /** The tenants that are suspended or have a quota, so many at most. */
  readonly list: (limit: number) => Promise<readonly Tenant[]>;
  /** Any tenant. */
  readonly records: Pick<RecordCache<Tenant>, 'peek' | 'get'>;
}

/**
 * The tenants that something is known of, all at once: so that for the others, which are most, nothing is looked up. They
 * are read again when a tenant or a key has changed: see {@link ChangeWatch}.
 */
export class LimitedTenants implements Pick<RecordCache<Tenant>, 'peek' | 'get'> {
  readonly #deps: LimitedTenantsDeps;
  #known: ReadonlyMap<string, Tenant> | 'too many' | undefined;
  #reading: Promise<ReadonlyMap<string, Tenant> | 'too many'> | undefined;

  constructor(deps: LimitedTenantsDeps) {
    this.#deps = deps;
    deps.watch.onChange(() => {
      this.#known = undefined;
      this.#reading = undefined;
    });
  }

  /** The tenant; undefined when nothing limits it; `unknown` when the database has to be asked. */
  peek(tenantId: string): Tenant | 'unknown' | undefined {
    if (!this.#deps.watch.isFresh() || this.#known === undefined) return 'unknown';
    return this.#known === 'too many' ? this.#deps.records.peek(tenantId) : this.#known.get(tenantId);
  }

  /** The tenant; undefined when nothing limits it. @throws what the database answers. */
  async get(tenantId: string): Promise<Tenant | undefined> {
    if (!this.#deps.watch.isFresh()) await this.#deps.watch.refresh();
    const known = this.#known ?? (await this.#read());
    return known === 'too many' ? this.#deps.records.get(tenantId) : known.get(tenantId);
  }

  /** What was begun before a change is good for those that wait for it, and is not remembered. */
  #read(): Promise<ReadonlyMap<string, Tenant> | 'too many'> {
    if (this.#reading !== undefined) return this.#reading;
    const reading = this.#readAll();
    this.#reading = reading;
    const end = (known?: ReadonlyMap<string, Tenant> | 'too many'): void => {
      if (this.#reading !== reading) return;
      this.#reading = undefined;
      this.#known = known;
    };
    void reading.then(end, () => end());
    return reading;
  }

  async #readAll(): Promise<ReadonlyMap<string, Tenant> | 'too many'> {
    const tenants = await this.#deps.list(maxRemembered + 1);
    return tenants.length > maxRemembered ? 'too many' : new Map(tenants.map((tenant) => [tenant.tenantId, tenant]));
  }
}
