/**
 * Comments, strings and quoted names of PostgreSQL's lexical structure, and the semicolon. A comment that nests is
 * read in `skipComment`; a dollar quote is closed by its own tag.
 * @see https://www.postgresql.org/docs/current/sql-syntax-lexical.html
 */
const tokenPattern = new RegExp(
  [
    String.raw`--[^\n]*`,
    String.raw`\/\*`,
    String.raw`\b[eE]'[^'\\]*(?:(?:\\[^]|'')[^'\\]*)*'`,
    String.raw`'[^']*(?:''[^']*)*'`,
    String.raw`"[^"]*(?:""[^"]*)*"`,
    String.raw`(?<![\w$])\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$`,
    ';',
  ].join('|'),
  'g',
);

/**
 * Splits SQL text into its statements, with comments turned into a space and the content of strings left out: what
 * remains are keywords, names and punctuation that can be searched without being misled.
 */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let code = '';
  let offset = 0;
  tokenPattern.lastIndex = 0;
  for (let match = tokenPattern.exec(sql); match; match = tokenPattern.exec(sql)) {
    const [token] = match;
    code += sql.slice(offset, match.index);
    offset = tokenPattern.lastIndex;
    if (token === ';') {
      statements.push(code);
      code = '';
    } else if (token.startsWith('"')) code += token;
    else if (token.startsWith('--')) code += ' ';
    else if (token === '/*') {
      code += ' ';
      offset = skipComment(sql, offset);
    } else {
      code += "''";
      if (token.startsWith('$')) offset = skipDollarQuote(sql, offset, token);
    }
    tokenPattern.lastIndex = offset;
  }
  statements.push(code + sql.slice(offset));
  return statements.map((statement) => statement.trim()).filter((statement) => statement !== '');
}

function skipComment(sql: string, start: number): number {
  const boundary = /\/\*|\*\//g;
  boundary.lastIndex = start;
  let depth = 1;
  for (let match = boundary.exec(sql); match; match = boundary.exec(sql)) {
    depth += match[0] === '/*' ? 1 : -1;
    if (depth === 0) return boundary.lastIndex;
  }
  return sql.length;
}

function skipDollarQuote(sql: string, start: number, tag: string): number {
  const end = sql.indexOf(tag, start);
  return end < 0 ? sql.length : end + tag.length;
}
