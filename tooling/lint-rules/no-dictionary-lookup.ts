import { child, children, isNode, variableOf, type Node, type RuleContext } from './syntax-tree.ts';

const message =
  'A computed key of a plain object also finds what every object has: use a Map, or Object.hasOwn before, on a copy without prototype.';

const wrappers = new Set(['Readonly', 'Partial', 'Required']);
const openKeys = new Set(['TSStringKeyword', 'TSNumberKeyword']);

/** Whether a type annotation says that any text, or any number, is a key. */
function isDictionary(type: Node | undefined): boolean {
  if (type === undefined) return false;
  if (type.type === 'TSTypeLiteral') {
    return children(type, 'members').some((member) => member.type === 'TSIndexSignature');
  }
  if (type.type !== 'TSTypeReference') return false;
  const name = child(type, 'typeName')?.['name'];
  const [first] = children(child(type, 'typeArguments'), 'params');
  if (typeof name === 'string' && wrappers.has(name)) return isDictionary(first);
  return name === 'Record' && first !== undefined && openKeys.has(first.type);
}

/** The annotation of an identifier where it is declared: of a variable, or of a parameter. */
function annotationOf(identifier: Node): Node | undefined {
  return child(child(identifier, 'typeAnnotation'), 'typeAnnotation');
}

/** Whether a variable without an annotation is given what `Object.fromEntries` makes. */
function isFromEntries(declaration: Node): boolean {
  const callee = child(child(declaration, 'init'), 'callee');
  return child(callee, 'object')?.['name'] === 'Object' && child(callee, 'property')?.['name'] === 'fromEntries';
}

function isConstantKey(property: Node | undefined): boolean {
  return (
    property?.type === 'Literal' ||
    (property?.type === 'TemplateLiteral' && children(property, 'expressions').length === 0)
  );
}

/**
 * Forbids `object[key]` and `key in object` where the object is a dictionary by its declared type (`Record<string, …>`,
 * `Record<number, …>`, an index signature) or made by `Object.fromEntries`, and the key is computed: `constructor` and
 * `__proto__` are found in every plain object. A `Map` has only what was put into it.
 */
export const noDictionaryLookup = {
  create(context: RuleContext) {
    function isDeclaredDictionary(object: Node | undefined): boolean {
      if (object === undefined) return false;
      return (
        variableOf(context, object)?.defs.some(({ name, node }) => {
          const type = annotationOf(name);
          return type === undefined ? isFromEntries(node) : isDictionary(type);
        }) ?? false
      );
    }

    return {
      MemberExpression(node: unknown): void {
        if (!isNode(node) || node['computed'] !== true || isConstantKey(child(node, 'property'))) return;
        // What is written to an object is not looked up in it.
        const parent = child(node, 'parent');
        if (parent?.type === 'AssignmentExpression' && parent['left'] === node) return;
        if (isDeclaredDictionary(child(node, 'object'))) context.report({ node, message });
      },
      BinaryExpression(node: unknown): void {
        if (!isNode(node) || node['operator'] !== 'in' || isConstantKey(child(node, 'left'))) return;
        if (isDeclaredDictionary(child(node, 'right'))) context.report({ node, message });
      },
    };
  },
};
