import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { FuzzRequest } from './fuzz-request.ts';
import { document, operations } from './operations.ts';
import type { FuzzAnswer } from './send-request.ts';

const hangMs = 2000;
export const tooSlow = 'took too long';
/** Statuses that belong to HTTP itself, wherever a request was made hostile there. */
const beyondDocumented: Readonly<Record<FuzzRequest['hostile'], readonly number[]>> = {
  nothing: [],
  body: [],
  parameter: [414, 431],
  header: [],
  path: [404, 405, 414, 431],
  method: [204, 400, 404, 405, 501],
  connection: [400, 404, 405, 408, 413, 414, 417, 431],
};

// Descriptions and examples are no part of a schema to it; formats are.
const ajv = new Ajv2020({ strict: false, validateFormats: true, allErrors: false });
addFormats.default(ajv);
ajv.addSchema(document, 'openapi');
const escaped = (text: string): string => text.replaceAll('~', '~0').replaceAll('/', '~1');

function validator(pointer: string): ValidateFunction {
  const found = ajv.getSchema(`openapi#${encodeURI(pointer)}`);
  if (found === undefined) throw new Error(`the document has no schema at ${pointer}`);
  return found;
}

const isProblem = validator('/components/schemas/Problem');

/** @returns what is wrong with an answer, in words that are the same for the same fault; undefined when it is right. */
export function findFault(request: FuzzRequest, answer: FuzzAnswer): string | undefined {
  const { status } = answer;
  if (answer.milliseconds > allowedMs(request)) return tooSlow;
  if (status === 0) return 'no answer';
  if (status >= 500 && !(status === 503 && answer.headers.has('retry-after'))) return `status ${status}`;
  if (!isDocumented(request, status)) return `status ${status} is not documented`;
  const mayEndEarly = answer.headers.get('content-type') === 'text/event-stream' || request.hostile === 'connection';
  if (!answer.isWhole && !mayEndEarly) return `status ${status} cut short`;
  return status >= 400 ? problemFault(request, answer) : bodyFault(request, answer);
}

/** Who asks to wait may wait; and a retention run is waited for. */
function allowedMs({ operation, headers }: FuzzRequest): number {
  if (operation.path === '/v1/admin/retention/run') return 10_000 + hangMs;
  return headers.some(([name, value]) => name.toLowerCase() === 'prefer' && value.includes('wait')) ? 20_000 : hangMs;
}

function isDocumented({ operation, hostile, method }: FuzzRequest, status: number): boolean {
  if (beyondDocumented[hostile].includes(status)) return true;
  // HEAD is answered as GET is.
  const asked = method === 'HEAD' ? 'GET' : method;
  const answered = operations.find((one) => one.path === operation.path && one.method === asked);
  if (hostile === 'path') return operations.some((one) => one.answers.has(String(status)));
  return (answered ?? operation).answers.has(String(status));
}

function problemFault(request: FuzzRequest, answer: FuzzAnswer): string | undefined {
  const { status, headers, body } = answer;
  // Health says in its own words that it is not well.
  if (status === 503 && headers.get('content-type')?.startsWith('application/json')) return bodyFault(request, answer);
  if (headers.get('content-type') !== 'application/problem+json') return `status ${status} is no problem+json`;
  if ((status === 429 || status === 503) && !headers.has('retry-after')) return `status ${status} has no Retry-After`;
  if (request.method === 'HEAD') return undefined;
  const problem = parsed(body);
  if (!isProblem(problem)) return `status ${status}: ${ajv.errorsText(isProblem.errors)}`;
  const { status: said } = problem as { readonly status: number };
  return said === status ? undefined : `status ${status} says ${said}`;
}

function bodyFault({ operation, hostile, method }: FuzzRequest, answer: FuzzAnswer): string | undefined {
  const { status, headers, body } = answer;
  if (method === 'HEAD' || method === 'OPTIONS' || hostile === 'path') return undefined;
  const answered = operations.find((one) => one.path === operation.path && one.method === method);
  const mediaTypes = answered?.answers.get(String(status)) ?? [];
  const mediaType = headers.get('content-type')?.split(';', 1)[0] ?? '';
  if (mediaTypes.length === 0) return body === '' ? undefined : `status ${status} has a body`;
  if (!mediaTypes.includes(mediaType)) return `status ${status} has the media type ${mediaType}`;
  if (mediaType.startsWith('text/')) return undefined;
  const path = `/paths/${escaped(operation.path)}/${method.toLowerCase()}/responses/${status}`;
  const validate = validator(`${path}/content/${escaped(mediaType)}/schema`);
  const values = mediaType === 'application/x-ndjson' ? body.split('\n').filter(Boolean) : [body];
  const wrong = values.find((value) => !validate(parsed(value)));
  return wrong === undefined ? undefined : `status ${status}: ${ajv.errorsText(validate.errors)}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
