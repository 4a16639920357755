/** A metric that a PromQL expression selects, by the name of its series. */
export interface Selector {
  readonly series: string;
  readonly labels: readonly string[];
}

export interface Selection {
  readonly selectors: readonly Selector[];
  /** Labels that results are grouped or matched by. */
  readonly groupings: readonly string[];
}

const operators = new Set(['and', 'or', 'unless', 'bool', 'offset']);

/** What an expression reads. Enough of PromQL for rules and dashboards; promtool checks the syntax. */
export function readSelection(expression: string): Selection {
  const groupings: string[] = [];
  const text = expression
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
    .replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g, (_, labels: string) => {
      groupings.push(...identifiers(labels));
      return ' ';
    })
    .replaceAll(/\[[^\]]*\]/g, '');
  const selectors = [...text.matchAll(/(?<![\w.$])([a-zA-Z_:][\w:]*)\s*(\(|\{([^}]*)\})?/g)]
    .filter(([, name = '', next]) => next !== '(' && !operators.has(name))
    .map(([, series = '', , matchers = '']) => ({ series, labels: identifiers(matchers) }));
  return { selectors, groupings };
}

function identifiers(text: string): string[] {
  return [...text.matchAll(/[a-zA-Z_]\w*/g)].map(([name]) => name);
}
