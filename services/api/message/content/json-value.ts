/** An unchecked JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fieldOf(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? Reflect.get(object, key) : undefined;
}

/** The text of a field, or undefined. A number becomes text, since an id may be one. */
export function textOf(object: JsonObject, key: string): string | undefined {
  const value = fieldOf(object, key);
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : undefined;
}

/** The text of the first field that is not empty. */
export function firstTextOf(object: JsonObject, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const text = textOf(object, key);
    if (text !== undefined && text !== '') return text;
  }
  return undefined;
}

/** The object in a field, or an empty one. */
export function objectOf(object: JsonObject, key: string): JsonObject {
  const value = fieldOf(object, key);
  return isObject(value) ? value : {};
}

/** The list in a field, or an empty one. */
export function listOf(object: JsonObject, key: string): readonly unknown[] {
  const value = fieldOf(object, key);
  return Array.isArray(value) ? value : [];
}
