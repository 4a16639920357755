/** Notifies the retention workers that a run waits. The sweeper makes up for a notification that is lost. */
export interface RetentionJobNotifier {
  /** @throws AppError `unavailable` when the queue did not take the job in time. */
  notify(tenantId: string, runId: string): Promise<void>;
}
