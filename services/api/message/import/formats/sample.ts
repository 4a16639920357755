import { isObject, type JsonObject } from '../../content/json-value.ts';

export interface FirstMessage {
  readonly message: JsonObject;
  /** It and those after it, as far as they were read. */
  readonly messages: readonly JsonObject[];
  /** The object whose list it is in. */
  readonly holder: JsonObject | undefined;
}

/** Messages that are looked at. */
const maxLooks = 50;

/** The first message of a sample: of a list of messages, of an object that holds one, or of a list of those. */
export function firstMessage(sample: unknown, lists: readonly string[]): FirstMessage | undefined {
  const first: unknown = Array.isArray(sample) ? sample[0] : sample;
  if (Array.isArray(first)) return firstMessage(first, lists);
  if (!isObject(first)) return undefined;
  const list = lists.map((name) => (name in first ? Reflect.get(first, name) : undefined)).find(Array.isArray);
  const messages = (list ?? (Array.isArray(sample) ? sample : [first])).slice(0, maxLooks).filter(isObject);
  const [message] = messages;
  return message === undefined ? undefined : { message, messages, holder: list === undefined ? undefined : first };
}

/** The first conversation of a sample: an object that has the field, by itself or first of a list. */
export function firstWith(sample: unknown, field: string): JsonObject | undefined {
  const first: unknown = Array.isArray(sample) ? sample[0] : sample;
  return isObject(first) && field in first ? first : undefined;
}
