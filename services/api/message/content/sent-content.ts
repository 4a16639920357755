import { z } from '@hono/zod-openapi';
import { roles, type Role } from '@memory-layer/shared/db/schema';
import { maxSpeakerCharacters } from '@memory-layer/shared/message/speaker';
import { findMetadataProblem } from '../../http/field.schemas.ts';
import { toOnePart } from './message-parts.ts';
import { readModelMessage, type ModelMessage } from './model-message.ts';

/** The roles of messages that are sent to models. `developer` and `function` are other names of our roles. */
export const sentRoleSchema = z.enum([...roles, 'developer', 'function']).openapi({
  description: 'developer is stored as system, function as tool.',
  example: 'user',
});

type SentRole = z.output<typeof sentRoleSchema>;

const listSchema = z.array(z.unknown());
const objectItems = { type: 'array' as const, items: { type: 'object' as const }, example: undefined };

/** The fields of OpenAI's messages, except role and content. */
export const modelMessageFields = {
  tool_calls: listSchema.nullish().openapi({
    ...objectItems,
    description:
      'Tool calls in the form of OpenAI. With a text they are stored in metadata.tool_calls. Without one they are the text, ' +
      'as name(arguments), and the role is tool.',
  }),
  tool_call_id: z.string().nullish().openapi({
    description: 'The call that this message answers. It is stored in metadata.tool_results, and the role is tool.',
    example: 'call_1',
  }),
  function_call: z.unknown().optional().openapi({ type: 'object', description: 'The older form of tool_calls.' }),
  name: z.string().max(maxSpeakerCharacters, `must have at most ${maxSpeakerCharacters} characters`).nullish().openapi({
    description: 'The name of a tool is stored in metadata.tool_results, any other name in metadata.speaker.',
    example: 'Ana',
  }),
  refusal: z.string().nullish().openapi({ description: 'Text, as in content.', example: 'I cannot help with that.' }),
  annotations: listSchema.nullish().openapi({ ...objectItems, description: 'Accepted and not stored.' }),
  audio: z.unknown().optional().openapi({ type: 'object', description: 'Named in metadata.attachments.' }),
};

/** Whether there is anything that could be the content of a message. */
export function hasContent(message: ModelMessage): boolean {
  if (message.content !== undefined) return true;
  const { tool_calls: calls, function_call: call, refusal, audio } = message;
  return [calls, call, refusal, audio].some((field) => field != null);
}

interface SentFields extends ModelMessage {
  readonly role: SentRole;
  readonly metadata?: Record<string, unknown> | null | undefined;
}

/** The fields of a message that depend on its content, as they are stored. */
export interface Settled {
  readonly role: Role;
  readonly content: string;
  readonly metadata: Record<string, unknown> | null | undefined;
}

export interface ContentLimits {
  readonly maxMetadataBytes: number;
  /** @returns why a text cannot be the content of a message; undefined when it can. */
  readonly textProblem: (text: string) => string | undefined;
}

const noText =
  'has no text to store: parts of type text, results of tools and tool_calls count as text; images, audio and files do not';

/** Reads role, text and metadata of a message in a model's form. A plain message is returned unchanged. */
export function settleContent<Message extends SentFields>(limits: ContentLimits) {
  return function settle(message: Message, context: z.core.$RefinementCtx): Message & Settled {
    if (isPlain(message)) return message;
    const add = (path: readonly (string | number)[], text: string): void => {
      context.issues.push({ code: 'custom', path: [...path], message: text, input: undefined });
    };
    // Only tools answer calls.
    const isTools = roleOf(message.role) === 'tool' || message.tool_call_id != null;
    const reading = readModelMessage(message, isTools);
    const one = toOnePart(reading);
    if (one === undefined && reading.problems.length === 0) add(['content'], noText);
    for (const { path, message: text } of reading.problems) add(path, text);
    if (one === undefined) return { ...message, ...unsettled };
    const problem = limits.textProblem(one.text);
    if (problem !== undefined) add(['content'], problem);
    const speaker = speakerOf(message);
    const own = message.metadata ?? {};
    const added = { ...one.metadata, ...(speaker === undefined ? {} : { speaker }) };
    for (const key of Object.keys(added)) {
      if (Object.hasOwn(own, key)) add(['metadata', key], 'is set by the content: leave it out');
    }
    const metadata = { ...own, ...added };
    const wrong = findMetadataProblem(metadata, limits.maxMetadataBytes);
    if (wrong !== undefined) add(['metadata', ...wrong.path], wrong.message);
    return { ...message, role: one.role ?? roleOf(message.role), content: one.text, metadata };
  };
}

// Never returned to a caller, since there is an issue.
const unsettled = { role: 'user', content: '', metadata: {} } as const;

function isPlain<Message extends SentFields>(message: Message): message is Message & Settled {
  return (
    typeof message.content === 'string' &&
    message.tool_calls === undefined &&
    message.tool_call_id === undefined &&
    message.name === undefined &&
    message.refusal === undefined &&
    message.function_call === undefined &&
    message.audio === undefined &&
    message.role !== 'developer' &&
    message.role !== 'function'
  );
}

function roleOf(role: SentRole): Role {
  if (role === 'developer') return 'system';
  return role === 'function' ? 'tool' : role;
}

function speakerOf({ role, name }: SentFields): string | undefined {
  return typeof name !== 'string' || name === '' || roleOf(role) === 'tool' ? undefined : name;
}
