import { readContent } from '../../content/content-reading.ts';
import { firstTextOf, isObject, listOf, objectOf, textOf, type JsonObject } from '../../content/json-value.ts';
import { conversationReader, type SourceMessage } from './conversation-reader.ts';
import type { ImportFormat } from './format.ts';
import { firstMessage } from './sample.ts';

const lists = ['results', 'memories'];
const kept = ['user_id', 'agent_id', 'app_id', 'run_id'] as const;

/** Memories as Mem0 lists and exports them: `{results: [{id, memory}]}`, or the list alone: https://docs.mem0.ai. */
export const mem0: ImportFormat = {
  name: 'mem0',
  source: 'json',
  lists: new Set(lists),
  namesConversations: 'sometimes',
  looksLike(sample) {
    const message = firstMessage(sample, lists)?.message;
    return message !== undefined && 'memory' in message && !('role' in message);
  },
  reader: (options) => conversationReader({ format: 'mem0', message: toMessage }, options),
};

function toMessage(memory: JsonObject): SourceMessage {
  const owners = kept.flatMap((field) => {
    const id = textOf(memory, field);
    return id === undefined ? [] : [[field, id] as const];
  });
  const categories = listOf(memory, 'categories');
  return {
    id: textOf(memory, 'id'),
    conversation: firstTextOf(memory, ['run_id', 'user_id', 'agent_id', 'app_id']),
    role: firstTextOf(memory, ['role']) ?? 'user',
    content: readContent(memory['memory']),
    time: memory['created_at'],
    speaker: isObject(memory['metadata']) ? undefined : firstTextOf(memory, ['actor_id']),
    metadata: {
      ...objectOf(memory, 'metadata'),
      ...(categories.length === 0 ? {} : { categories }),
      ...Object.fromEntries(owners),
    },
  };
}
