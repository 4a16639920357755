import { child, children, variableOf, type Node, type RuleContext } from './syntax-tree.ts';

/** What gives back as many elements as it was given. */
const sameLength = new Set(['entries', 'keys', 'map', 'toReversed', 'toSorted', 'values']);
const objectToList = new Set(['entries', 'keys', 'values']);
const types = new Set(['TSAsExpression', 'TSNonNullExpression', 'TSSatisfiesExpression']);

/** `Object.entries(…)`, `Object.keys(…)`, `Object.values(…)`, `Array.from(…)`, `Promise.all(…)` and such: their argument. */
function argumentOfStatic(call: Node): { of: unknown; argument: Node | undefined } | undefined {
  const callee = child(call, 'callee');
  const of = child(callee, 'object')?.['name'];
  const method = child(callee, 'property')?.['name'];
  const isKnown =
    (of === 'Object' && typeof method === 'string' && objectToList.has(method)) ||
    (of === 'Array' && method === 'from') ||
    (of === 'Map' && method === 'groupBy') ||
    (of === 'Promise' && (method === 'all' || method === 'allSettled'));
  return isKnown ? { of, argument: children(call, 'arguments')[0] } : undefined;
}

/** The list that an expression goes through: `items` of `[...items.entries()]`, `Object.values(items)`, `new Set(items)`. */
export function passedOn(list: Node): Node {
  const inner = innerOf(list);
  return inner === undefined ? list : passedOn(inner);
}

function innerOf(list: Node): Node | undefined {
  if (types.has(list.type)) return child(list, 'expression');
  if (list.type === 'AwaitExpression') return child(list, 'argument');
  if (list.type === 'NewExpression') return children(list, 'arguments')[0];
  if (list.type === 'ArrayExpression') {
    const [only, ...others] = children(list, 'elements');
    return others.length === 0 && only?.type === 'SpreadElement' ? child(only, 'argument') : undefined;
  }
  if (list.type !== 'CallExpression') return undefined;
  const known = argumentOfStatic(list);
  if (known !== undefined) return known.argument;
  const callee = child(list, 'callee');
  const method = child(callee, 'property')?.['name'];
  return typeof method === 'string' && sameLength.has(method) ? child(callee, 'object') : undefined;
}

/** Whether a list has an element whatever the code under test does: it is written out, or was seen to have one. */
export function isSurelyFilled(list: Node, context: RuleContext, depth = 0): boolean {
  if (depth > 10) return false;
  const isFilled = (node: Node | undefined) => node !== undefined && isSurelyFilled(node, context, depth + 1);
  switch (list.type) {
    case 'ArrayExpression':
      return children(list, 'elements').some((one) => one.type !== 'SpreadElement' || isFilled(child(one, 'argument')));
    case 'ObjectExpression':
      return children(list, 'properties').some(
        (one) => one.type !== 'SpreadElement' || isFilled(child(one, 'argument')),
      );
    case 'Literal':
      return typeof list['value'] === 'string' && list['value'] !== '';
    case 'ConditionalExpression':
      return isFilled(child(list, 'consequent')) && isFilled(child(list, 'alternate'));
    case 'Identifier':
      return variableOf(context, list)?.defs.some(({ name, node }) => isConstantFilled(name, node, isFilled)) ?? false;
    case 'CallExpression':
      if (child(list, 'callee')?.['name'] === 'nonEmpty' || isOfGivenLength(list)) return true;
      break;
    default:
  }
  return isFilled(innerOf(list));
}

/** `const name = …`, and not a part of what is on its right. */
function isConstantFilled(name: Node, declarator: Node, isFilled: (node: Node | undefined) => boolean): boolean {
  const isConstant = child(declarator, 'parent')?.['kind'] === 'const';
  return isConstant && child(declarator, 'id') === name && isFilled(child(declarator, 'init'));
}

/** `Array.from({ length: 5 })`: a length that the test gives, and that is not the length of something else. */
function isOfGivenLength(call: Node): boolean {
  const known = argumentOfStatic(call);
  if (known?.of !== 'Array' || known.argument?.type !== 'ObjectExpression') return false;
  const length = children(known.argument, 'properties').find((one) => child(one, 'key')?.['name'] === 'length');
  const value = child(length, 'value');
  return value !== undefined && value.type !== 'MemberExpression' && value['value'] !== 0;
}
