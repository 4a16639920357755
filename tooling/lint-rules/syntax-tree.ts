/** The syntax tree as oxlint hands it to a rule, read without trusting its shape. */

export interface Node {
  readonly type: string;
  readonly [name: string]: unknown;
}

interface Definition {
  readonly node: Node;
  readonly name: Node;
}

interface Variable {
  readonly name: string;
  readonly defs: readonly Definition[];
}

interface Scope {
  readonly set: ReadonlyMap<string, Variable>;
  readonly upper: Scope | null;
}

export interface RuleContext {
  report(problem: { node: unknown; message: string }): void;
  readonly sourceCode: { getScope(node: unknown): Scope; getText(node: unknown): string };
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

export function child(node: Node | undefined, name: string): Node | undefined {
  const value = node?.[name];
  return isNode(value) ? value : undefined;
}

export function children(node: Node | undefined, name: string): readonly Node[] {
  const value = node?.[name];
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** What the name of an identifier stands for where the identifier is. */
export function variableOf(context: RuleContext, identifier: Node): Variable | undefined {
  const { name } = identifier;
  if (identifier.type !== 'Identifier' || typeof name !== 'string') return undefined;
  for (let at: Scope | null = context.sourceCode.getScope(identifier); at !== null; at = at.upper) {
    const found = at.set.get(name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** All nodes below a node, and itself; `isLeftOut` skips a node with all that is below it. */
export function* nodesIn(node: Node, isLeftOut: (node: Node) => boolean = () => false): Generator<Node> {
  if (isLeftOut(node)) return;
  yield node;
  for (const [name, value] of Object.entries(node)) {
    if (name === 'parent') continue;
    for (const below of Array.isArray(value) ? value : [value]) if (isNode(below)) yield* nodesIn(below, isLeftOut);
  }
}
