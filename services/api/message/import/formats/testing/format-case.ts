/** A fixture, and what becomes of it. */
export interface FormatCase {
  readonly format: string;
  readonly file: string;
  readonly query?: Record<string, string>;
  /** What is stored, in its order: conversation, role, content, metadata, created_at. */
  readonly messages: readonly (readonly [string, string, string, object, string?])[];
  readonly skipped: readonly (readonly [string | number, string])[];
}
