export type ReadinessState = 'starting' | 'ready' | 'draining';

/** Whether this process wants traffic. Liveness does not depend on it. */
export class Readiness {
  #state: ReadinessState = 'starting';

  get state(): ReadinessState {
    return this.#state;
  }

  /** Draining is final: a process that goes down does not come back. */
  set(state: ReadinessState): void {
    if (this.#state !== 'draining') this.#state = state;
  }
}
