/** What a component says of itself when asked. `detail` is for operators: no secrets, no content. */
export interface ComponentHealth {
  readonly status: 'ok' | 'degraded' | 'down';
  /** A word for probes on why it is down, when that is not that it does not answer. */
  readonly reason?: string;
  readonly detail?: string;
}

/** Anything with a life: started in order, stopped in reverse, asked for its health in between. */
export interface Component {
  readonly id: string;
  start(): Promise<void>;
  /** Finishes or hands back what is in flight. Must be safe to call twice, and before `start`. */
  stop(): Promise<void>;
  health?(): Promise<ComponentHealth>;
}
