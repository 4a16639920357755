import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type CompiledQuery,
  type DatabaseConnection,
  type QueryResult,
} from 'kysely';
import type { Schema } from '../db/schema.ts';

type Rows = readonly Readonly<Record<string, unknown>>[];

/**
 * The statements that PostgreSQL gets, as text to be committed, with the transactions that they are in.
 *
 * @param answers rows that the statements return, in turn; without any, each returns none.
 */
export async function compiledSql(
  run: (db: Kysely<Schema>) => Promise<unknown>,
  answers: readonly Rows[] = [],
): Promise<string> {
  const driver = new RecordingDriver(answers);
  const db = new Kysely<Schema>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => driver,
      createIntrospector: (own) => new PostgresIntrospector(own),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  });
  await run(db);
  return `${driver.statements.map(indented).join(';\n\n')}\n`;
}

class RecordingDriver extends DummyDriver {
  readonly statements: string[] = [];
  readonly #answers: Rows[];

  constructor(answers: readonly Rows[]) {
    super();
    this.#answers = [...answers];
  }

  override acquireConnection(): Promise<DatabaseConnection> {
    return Promise.resolve({
      executeQuery: <Row>({ sql }: CompiledQuery): Promise<QueryResult<Row>> => {
        this.statements.push(sql);
        return Promise.resolve({ rows: (this.#answers.shift() ?? []) as Row[] });
      },
      streamQuery: () => {
        throw new Error('no statement is streamed');
      },
    });
  }

  override beginTransaction(): Promise<void> {
    return this.#note('begin');
  }

  override commitTransaction(): Promise<void> {
    return this.#note('commit');
  }

  #note(statement: string): Promise<void> {
    this.statements.push(statement);
    return Promise.resolve();
  }
}

/** Indents each line by the parentheses that are open where it begins: fragments come as they stand in the source. */
function indented(text: string): string {
  let depth = 0;
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const closing = /^\)*/.exec(line)?.[0].length ?? 0;
      const result = `${'  '.repeat(Math.max(0, depth - closing))}${line}`;
      depth += line.split('(').length - line.split(')').length;
      return result;
    })
    .join('\n');
}
