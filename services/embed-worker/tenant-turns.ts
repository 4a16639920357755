interface Turns {
  running: number;
  refused: boolean;
}

/**
 * Keeps one tenant from taking all places of this process: jobs beyond a tenant's share are turned away, and it is
 * said when one of the others ends, so that the bell can be rung again. Places stay free for whoever comes next.
 */
export class TenantTurns {
  readonly #places: number;
  readonly #tenants = new Map<string, Turns>();

  /** @param concurrency jobs that this process runs at once; a tenant gets three quarters of them. */
  constructor(concurrency: number) {
    this.#places = Math.ceil(concurrency * 0.75);
  }

  /** Whether the tenant may begin a job; every `true` needs a {@link leave}. */
  enter(tenantId: string): boolean {
    const turns = this.#tenants.get(tenantId) ?? { running: 0, refused: false };
    if (turns.running >= this.#places) {
      turns.refused = true;
      return false;
    }
    turns.running += 1;
    this.#tenants.set(tenantId, turns);
    return true;
  }

  /** @returns whether a job of the tenant was turned away meanwhile; said once. */
  leave(tenantId: string): boolean {
    const turns = this.#tenants.get(tenantId);
    if (turns === undefined) return false;
    const { refused } = turns;
    turns.refused = false;
    turns.running -= 1;
    if (turns.running === 0) this.#tenants.delete(tenantId);
    return refused;
  }
}
