import { z } from 'zod';
import { AppError } from '../../errors/app-error.ts';

/** Answer of `POST /v1/embeddings`. Source: https://platform.openai.com/docs/api-reference/embeddings/create */
const responseSchema = z.object({
  data: z.array(z.object({ index: z.int().nonnegative(), embedding: z.array(z.number()) })),
});

/**
 * The vectors of an answer, in the order of the request.
 *
 * @throws AppError `embedding_rejected` when it is not such an answer, or an index is missing or given twice.
 */
export function parseEmbeddings(body: unknown): Float32Array[] {
  const parsed = responseSchema.safeParse(body);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.join('.') ?? '';
    throw new AppError('embedding_rejected', `The embedding server's answer is malformed at "${where}".`);
  }
  const ordered = parsed.data.data.toSorted((left, right) => left.index - right.index);
  if (ordered.some(({ index }, position) => index !== position)) {
    throw new AppError('embedding_rejected', "The embedding server's answer does not have each index once.");
  }
  return ordered.map(({ embedding }) => Float32Array.from(embedding));
}

const errorSchema = z.object({ error: z.object({ type: z.unknown(), code: z.unknown() }).partial() });

/** Statuses below 500 that are not the text's fault: a wrong key or model name, a busy server. */
const notTheTextsFault: ReadonlySet<number> = new Set([401, 403, 404, 408, 409, 425, 429]);

/** Short, machine-made words only: a server's sentence may quote the key or the texts. */
function shortReason(body: unknown): string {
  const parsed = errorSchema.safeParse(body);
  const words = parsed.success ? [parsed.data.error.type, parsed.data.error.code] : [];
  const plain = words.filter((word) => typeof word === 'string' && /^[a-z_]{1,40}$/u.test(word));
  return plain.length > 0 ? ` (${plain.join(', ')})` : '';
}

/** What an answer that is no success means for the caller. */
export function errorOfResponse(status: number, retryAfter: string | null, body: unknown): AppError {
  const message = `The embedding server answered ${status}${shortReason(body)}.`;
  if (status >= 400 && status < 500 && !notTheTextsFault.has(status)) {
    return new AppError('embedding_rejected', message);
  }
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter);
  return new AppError('embedding_unavailable', message, seconds >= 0 ? { retryAfterSeconds: seconds } : {});
}
