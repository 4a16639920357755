/** Tells the retention workers that a run waits. A lost bell is made up for by the sweeper. */
export interface RunBell {
  /** @throws AppError `unavailable` when the queue did not take it in time. */
  ring(tenantId: string, runId: string): Promise<void>;
}
