/** Roles of other systems that mean one of ours. Others are left as they are, and refused. */
const roles = new Map([
  ['human', 'user'],
  ['prompter', 'user'],
  ['customer', 'user'],
  ['ai', 'assistant'],
  ['model', 'assistant'],
  ['bot', 'assistant'],
  ['gpt', 'assistant'],
  ['chatgpt', 'assistant'],
  ['bing', 'assistant'],
  ['bard', 'assistant'],
  ['developer', 'system'],
  ['function', 'tool'],
  ['function_call', 'tool'],
  ['function_response', 'tool'],
  ['observation', 'tool'],
]);

export function toRole(name: string): string {
  const known = name.toLowerCase();
  return roles.get(known) ?? known;
}
