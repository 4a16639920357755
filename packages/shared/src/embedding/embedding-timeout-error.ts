import { AppError } from '../errors/app-error.ts';

/** A call took longer than its time limit: its texts may be at fault, or the embedder may hang. */
export class EmbeddingTimeoutError extends AppError {
  constructor(name: string, timeoutMs: number) {
    super('embedding_unavailable', `The ${name} embedder took longer than ${timeoutMs} ms.`);
  }
}

export function isEmbeddingTimeout(error: unknown): error is EmbeddingTimeoutError {
  return error instanceof EmbeddingTimeoutError;
}
