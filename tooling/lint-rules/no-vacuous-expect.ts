import { isSurelyFilled, passedOn } from './surely-filled.ts';
import { child, children, isNode, nodesIn, type Node, type RuleContext } from './syntax-tree.ts';

const message =
  'Nothing is expected where the list is empty: put nonEmpty() around it, or expect how long it is beside the loop.';

const callbacksForEach = new Set(['forEach', 'map', 'flatMap']);
const functions = new Set(['ArrowFunctionExpression', 'FunctionExpression']);

/** Matchers that an empty list fails, given the right value. */
const lengthMatchers = new Set([
  'toBe',
  'toBeGreaterThan',
  'toBeGreaterThanOrEqual',
  'toContain',
  'toContainEqual',
  'toEqual',
  'toHaveLength',
  'toMatchObject',
  'toStrictEqual',
]);

function isExpectation(node: Node): boolean {
  const name = child(node, 'callee')?.['name'];
  return node.type === 'CallExpression' && typeof name === 'string' && /^(expect|assert)/.test(name);
}

function hasExpectation(node: Node): boolean {
  return nodesIn(node).some(isExpectation);
}

/** `expect(actual).matcher(expected)`, also with `not`, `rejects` or `resolves` between. */
function expectationOf(node: Node) {
  const callee = child(node, 'callee');
  if (node.type !== 'CallExpression' || callee?.type !== 'MemberExpression') return undefined;
  let subject = child(callee, 'object');
  let isNegated = false;
  while (subject?.type === 'MemberExpression') {
    isNegated ||= child(subject, 'property')?.['name'] === 'not';
    subject = child(subject, 'object');
  }
  if (child(subject, 'callee')?.['name'] !== 'expect') return undefined;
  return {
    actual: children(subject, 'arguments')[0],
    matcher: child(callee, 'property')?.['name'],
    expected: children(node, 'arguments')[0],
    isNegated,
  };
}

/** `[]`, 0 and nothing: what an empty list is compared with. */
function isEmptyValue(node: Node | undefined): boolean {
  if (node === undefined) return true;
  return node.type === 'ArrayExpression' ? children(node, 'elements').length === 0 : node['value'] === 0;
}

/** Whether an expectation fails when the list is empty, as far as its words tell. */
function saysNotEmpty(node: Node, list: string, context: RuleContext): boolean {
  const said = expectationOf(node);
  if (said?.actual === undefined || typeof said.matcher !== 'string' || !lengthMatchers.has(said.matcher)) return false;
  if (said.matcher !== 'toBeGreaterThan' && isEmptyValue(said.expected) !== said.isNegated) return false;
  return nodesIn(said.actual).some((part) => context.sourceCode.getText(part) === list);
}

/** `test` of `test('…', () => {})` and of `test.each(list)('…', () => {})`, where a node is the function. */
function calledWith(node: Node): unknown {
  let callee = child(node, 'parent')?.type === 'CallExpression' ? child(child(node, 'parent'), 'callee') : undefined;
  while (callee !== undefined && callee.type !== 'Identifier') {
    callee = child(callee, 'callee') ?? child(callee, 'object') ?? child(callee, 'tag');
  }
  return callee?.['name'];
}

/** Whether it is expected in a block around a loop, of the same test and outside the loop, that its list is not empty. */
function isExpectedBeside(loop: Node, list: string, context: RuleContext): boolean {
  for (let at = child(loop, 'parent'); at !== undefined && calledWith(at) !== 'describe'; at = child(at, 'parent')) {
    if (at.type === 'BlockStatement') {
      if (nodesIn(at, (node) => node === loop).some((node) => saysNotEmpty(node, list, context))) return true;
    }
    if (at.type === 'FunctionDeclaration' || calledWith(at) === 'test') return false;
  }
  return false;
}

/** `fc.property(…, (list) => {})`: what holds of every list holds of the empty one, which is among those that are tried. */
function isInProperty(loop: Node): boolean {
  for (let at = child(loop, 'parent'); at !== undefined; at = child(at, 'parent')) {
    if (functions.has(at.type) && calledWith(at) === 'fc') return true;
  }
  return false;
}

/**
 * Forbids an `expect` that is only reached for the elements of a list that may be empty: in a `for…of`, in `forEach`,
 * `map` or `flatMap`, and in `expect(list.every(…)).toBe(true)`. A list that is written out is fine, and so is one whose
 * length is expected in a block around the loop.
 */
export const noVacuousExpect = {
  create(context: RuleContext) {
    function check(loop: Node, list: Node | undefined): void {
      if (list === undefined || isSurelyFilled(list, context) || isInProperty(loop)) return;
      if (isExpectedBeside(loop, context.sourceCode.getText(passedOn(list)), context)) return;
      context.report({ node: list, message });
    }

    return {
      ForOfStatement(node: unknown): void {
        if (!isNode(node)) return;
        const body = child(node, 'body');
        if (body !== undefined && hasExpectation(body)) check(node, child(node, 'right'));
      },
      CallExpression(node: unknown): void {
        if (!isNode(node)) return;
        const callee = child(node, 'callee');
        const method = child(callee, 'property')?.['name'];
        const [callback] = children(node, 'arguments');
        if (callee?.type === 'MemberExpression' && typeof method === 'string' && callbacksForEach.has(method)) {
          if (callback !== undefined && functions.has(callback.type) && hasExpectation(callback)) {
            check(node, child(callee, 'object'));
          }
          return;
        }
        const said = expectationOf(node);
        const every = child(said?.actual, 'callee');
        if (child(every, 'property')?.['name'] === 'every' && said?.expected?.['value'] === true) {
          check(node, child(every, 'object'));
        }
      },
    };
  },
};
