import { firstTextOf, isObject, textOf, type JsonObject } from './json-value.ts';

/** A call of a tool; `arguments` is JSON text. */
export interface ToolCall {
  readonly id: string | undefined;
  readonly name: string;
  readonly arguments: string;
}

/** What a tool answered. */
export interface ToolResult {
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly text: string;
}

/** What metadata says of a part that is not text: an image, a file, audio, the thoughts of a model. */
export interface Attachment {
  readonly type: string;
  readonly name?: string;
  readonly media_type?: string;
  readonly url?: string;
}

type Path = readonly (string | number)[];

/** The content of a message, sorted by the kind of its parts. */
export interface ContentReading {
  readonly texts: string[];
  readonly calls: ToolCall[];
  readonly results: ToolResult[];
  readonly attachments: Attachment[];
  /** Parts whose shape is unknown. */
  readonly problems: { readonly path: Path; readonly message: string }[];
}

/** Longest name, media type or URL that is kept of an attachment; a longer one is left out. */
const maxAttachmentText = 1024;
/** Levels of tool results within tool results. */
const maxDepth = 4;

const textParts = new Set(['text', 'input_text', 'output_text', 'summary_text']);
const callParts = new Set(['tool_use', 'server_tool_use', 'mcp_tool_use', 'tool-call', 'tool_call', 'function_call']);
const resultParts = new Set(['tool_result', 'mcp_tool_result', 'tool-result', 'function_call_output']);

export function emptyReading(): ContentReading {
  return { texts: [], calls: [], results: [], attachments: [], problems: [] };
}

/**
 * Reads the content of a message as models take it: a text, or a list of parts of OpenAI (Chat Completions, Responses),
 * Anthropic (Messages), LangChain or the AI SDK. A part of an unknown type becomes an attachment, which names it.
 */
export function readContent(content: unknown): ContentReading {
  const reading = emptyReading();
  if (Array.isArray(content)) readParts(content, reading, ['content'], 0);
  else if (typeof content === 'string') reading.texts.push(content);
  else if (content != null) reading.problems.push({ path: ['content'], message: 'must be a text or a list of parts' });
  return reading;
}

function readParts(parts: readonly unknown[], into: ContentReading, path: Path, depth: number): void {
  for (const [index, part] of parts.entries()) {
    if (typeof part === 'string') into.texts.push(part);
    else if (isObject(part)) readPart(part, into, [...path, index], depth);
    else into.problems.push({ path: [...path, index], message: 'must be a part: an object with a type' });
  }
}

function readPart(part: JsonObject, into: ContentReading, path: Path, depth: number): void {
  const { type } = part;
  if (typeof type !== 'string' || type === '') {
    into.problems.push({ path: [...path, 'type'], message: 'must say what the part is, such as "text"' });
  } else if (textParts.has(type)) {
    readText(part, 'text', into, path);
  } else if (type === 'refusal') {
    readText(part, 'refusal', into, path);
  } else if (callParts.has(type)) {
    const call = readCall(part);
    if (call === undefined) into.problems.push({ path: [...path, 'name'], message: 'must name the tool' });
    else into.calls.push(call);
  } else if (resultParts.has(type) || (type.endsWith('_tool_result') && textOf(part, 'tool_use_id') !== undefined)) {
    readResult(part, into, path, depth);
  } else {
    into.attachments.push(readAttachment(part, type));
  }
}

function readText(part: JsonObject, field: 'text' | 'refusal', into: ContentReading, path: Path): void {
  const text = field === 'text' ? part['text'] : part['refusal'];
  if (typeof text === 'string') into.texts.push(text);
  else into.problems.push({ path: [...path, field], message: 'must be a text' });
}

/** A call in the shape of Anthropic, LangChain, the AI SDK or either API of OpenAI. */
export function readCall(part: JsonObject): ToolCall | undefined {
  const called = [part['function'], part['custom']].find(isObject) ?? part;
  const name = firstTextOf(called, ['name', 'toolName']);
  if (name === undefined) return undefined;
  const input = called['arguments'] ?? called['input'] ?? called['args'];
  return {
    id: firstTextOf(part, ['call_id', 'toolCallId', 'id']),
    name,
    arguments: typeof input === 'string' ? input : (JSON.stringify(input) ?? ''),
  };
}

function readResult(part: JsonObject, into: ContentReading, path: Path, depth: number): void {
  if (depth >= maxDepth) {
    into.problems.push({ path, message: `is nested deeper than ${maxDepth} results` });
    return;
  }
  const inner = emptyReading();
  const output = part['content'] ?? part['output'] ?? part['result'];
  if (Array.isArray(output)) readParts(output, inner, [...path, 'content'], depth + 1);
  else inner.texts.push(outputText(output));
  into.attachments.push(...inner.attachments);
  into.problems.push(...inner.problems);
  into.results.push({
    id: firstTextOf(part, ['tool_use_id', 'toolCallId', 'call_id']),
    name: firstTextOf(part, ['toolName', 'name']),
    text: joined([...inner.texts, ...inner.results.map(({ text }) => text)]),
  });
}

/** A tool's answer that is not a list of parts: its text, or else its JSON. The AI SDK has it under `value`. */
export function outputText(output: unknown): string {
  if (output == null) return '';
  if (typeof output === 'string') return output;
  if (!isObject(output) || typeof output['type'] !== 'string' || output['value'] === undefined) {
    return JSON.stringify(output);
  }
  const { type, value } = output;
  if (typeof value === 'string' || type !== 'content' || !Array.isArray(value)) {
    return typeof value === 'string' ? value : JSON.stringify(value);
  }
  return joined(value.filter(isObject).flatMap((part) => textOf(part, 'text') ?? []));
}

/** Describes a part without its data, which may be megabytes of base64. */
export function readAttachment(part: JsonObject, type: string): Attachment {
  const holders = ['file', 'image_url', 'source', 'input_audio', 'audio', 'image'].map((key) => Reflect.get(part, key));
  const objects = [part, ...holders.filter(isObject)];
  const firstShort = (keys: readonly string[], isWanted: (text: string) => boolean = () => true) =>
    objects
      .flatMap((object) => keys.flatMap((key) => textOf(object, key) ?? []))
      .find((text) => text !== '' && text.length <= maxAttachmentText && isWanted(text));
  const name = firstShort(['filename', 'fileName', 'file_name', 'title', 'name']);
  const mediaType = firstShort(['media_type', 'mediaType', 'mime_type', 'mimeType', 'format']);
  const url = firstShort(['image_url', 'url', 'file_url', 'image'], (text) => /^https?:/i.test(text));
  return {
    type: type.slice(0, maxAttachmentText).toWellFormed(),
    ...(name === undefined ? {} : { name }),
    ...(mediaType === undefined ? {} : { media_type: mediaType }),
    ...(url === undefined ? {} : { url }),
  };
}

/** Joins texts with a blank line between them, without blank texts. */
export function joined(texts: readonly string[]): string {
  if (texts.length === 1) return texts[0] ?? '';
  return texts.filter((text) => text.trim() !== '').join('\n\n');
}
