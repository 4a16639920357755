import type { OxlintConfig } from 'oxlint';

type Override = NonNullable<OxlintConfig['overrides']>[number];
type Pattern = { message: string } & ({ regex: string } | { group: string[] });

const services = ['api', 'embed-worker', 'retention-worker'] as const;

/** Every workspace member: its folder and the members it may import outside its tests. */
const members = [
  { name: 'shared', folder: 'packages/shared', mayImport: [] },
  { name: 'embedded-postgres', folder: 'packages/embedded-postgres', mayImport: [] },
  ...services.map((name) => ({ name, folder: `services/${name}`, mayImport: ['shared'] })),
  { name: 'migrate', folder: 'services/migrate', mayImport: ['shared'] },
  { name: 'standalone', folder: 'services/standalone', mayImport: ['shared', 'embedded-postgres', ...services] },
  { name: 'bench', folder: 'bench', mayImport: ['shared'] },
  { name: 'e2e', folder: 'e2e', mayImport: ['shared', 'embedded-postgres'] },
];

/** What a file is, by its name. A file that matches several is the last of them. */
const roles = [
  { role: 'other', glob: '*.ts' },
  { role: 'main', glob: 'main.ts' },
  { role: 'database', glob: 'src/db/**/*.ts' },
  { role: 'routes', glob: '*.routes.ts' },
  { role: 'processor', glob: '*.processor.ts' },
  { role: 'service', glob: '*.service.ts' },
  { role: 'repository', glob: '*.repository.ts' },
  { role: 'sql', glob: '*.sql.ts' },
  { role: 'test', glob: 'testing/**/*.ts' },
  { role: 'test', glob: '*.test.ts' },
] as const;

interface Importer {
  readonly member: (typeof members)[number];
  readonly role: (typeof roles)[number]['role'];
}

const alternatives = (names: readonly string[]): string => `(${names.join('|')})`;

const leavesPackage: Pattern = {
  regex: `^(\\./)?(\\.\\./)+(packages|services|${members.map(({ name }) => name).join('|')}|tooling)/`,
  message: 'A relative import stays in its package: import another one by its name.',
};
const composeAlone: Pattern = {
  group: services.flatMap((name) => [
    `@memory-layer/${name}`,
    `@memory-layer/${name}/**`,
    `!@memory-layer/${name}/compose`,
    `!@memory-layer/${name}/config`,
  ]),
  message: "A service is entered by its './compose' or './config' alone.",
};
const testSupport: Pattern = {
  regex: '^(@memory-layer/shared|\\.{1,2})(/.*)?/testing/',
  message: 'Test support is for tests.',
};
const environment: Pattern = {
  regex: '^(node:)?process$',
  message: 'Only main.ts reads process.env; everything else is handed a config.',
};
const sqlFile = '\\.sql(\\.[jt]s)?$';
const sqlLibrary = '^(kysely|pg|pgvector)(/|$)';
const entryPoint: Pattern = {
  regex: `\\.repository(\\.[jt]s)?$|${sqlFile}|${sqlLibrary}`,
  message: 'A route or processor calls a service; SQL is behind the repository.',
};
const serviceRules: Pattern = {
  regex: `^(hono|@hono|bullmq)(/|$)|\\.(routes|processor)\\.[jt]s$|${sqlFile}|${sqlLibrary}`,
  message: 'A service knows neither HTTP nor the queue nor SQL.',
};
const noSql: Pattern = {
  regex: `${sqlFile}|${sqlLibrary}`,
  message: 'SQL stands in *.repository.ts and *.sql.ts; what leaves them is plain data.',
};
const noSqlFile: Pattern = {
  regex: sqlFile,
  message: 'A *.sql.ts is for repositories and other *.sql.ts.',
};
const repositoryRules: Pattern = {
  regex: '^(hono|@hono|bullmq)(/|$)|\\.(service|routes|processor)\\.[jt]s$',
  message: 'A repository holds SQL and returns domain values.',
};

function otherMembers({ member, role }: Importer): Pattern {
  const allowed = new Set<string>(role === 'test' ? [...member.mayImport, 'embedded-postgres'] : member.mayImport);
  const forbidden = members.map(({ name }) => name).filter((name) => !allowed.has(name));
  return {
    regex: `^@memory-layer/${alternatives(forbidden)}(/|$)`,
    message: `${member.name} may import ${member.mayImport.join(', ') || 'npm packages only'}.`,
  };
}

/** All but the embedded database, bench and e2e, which have no repositories. */
function holdsSqlApart({ name, folder }: Importer['member']): boolean {
  return name === 'shared' || folder.startsWith('services/');
}

function patternsFor(importer: Importer): Pattern[] {
  const { member, role } = importer;
  const patterns = [leavesPackage, otherMembers(importer)];
  if (member.name === 'standalone') patterns.push(composeAlone);
  if (role !== 'test' && member.name !== 'e2e') patterns.push(testSupport);
  if (role !== 'test' && role !== 'main' && member.folder.includes('/')) patterns.push(environment);
  if (role === 'routes' || role === 'processor') patterns.push(entryPoint);
  if (role === 'service') patterns.push(serviceRules);
  if (role === 'repository' || role === 'sql') patterns.push(repositoryRules);
  if (role === 'database') patterns.push(noSqlFile);
  if ((role === 'other' || role === 'main') && holdsSqlApart(member)) patterns.push(noSql);
  return patterns;
}

/**
 * Who may import whom, as oxlint overrides. An override replaces a rule's options instead of adding to them,
 * so each kind of file in each package gets one override holding every pattern that applies to it.
 */
export const importBoundaries: Override[] = members.flatMap((member) =>
  roles.map(({ role, glob }) => ({
    files: [`${member.folder}/**/${glob}`],
    rules: { 'no-restricted-imports': ['error', { patterns: patternsFor({ member, role }) }] },
  })),
);
