import { fileURLToPath } from 'node:url';
import { defineConfig } from 'oxlint';
import { importBoundaries } from './tooling/import-boundaries.ts';

const tests = ['**/*.test.ts', '**/testing/**', 'e2e/**/*.ts'];
const scripts = ['bench/**', 'e2e/**', 'examples/**', 'tooling/**', '*.config.ts'];
const readsEnvironment = ['**/main.ts', ...tests, ...scripts];

export default defineConfig({
  // By its whole path: the fixtures of the rules have a configuration of their own that is made of this one.
  jsPlugins: [fileURLToPath(new URL('tooling/lint-rules/plugin.ts', import.meta.url))],
  plugins: ['eslint', 'typescript', 'unicorn', 'oxc', 'import', 'promise', 'node', 'vitest'],
  options: { typeAware: true, denyWarnings: true, reportUnusedDisableDirectives: 'error' },
  ignorePatterns: ['**/dist/**', 'tooling/fixtures/**', 'docs/**'],
  categories: { correctness: 'error', suspicious: 'error', perf: 'error' },
  rules: {
    // Types are true: no `any` in, through or out; every promise is awaited, returned or voided.
    'typescript/no-explicit-any': 'error',
    'typescript/no-unsafe-argument': 'error',
    'typescript/no-unsafe-assignment': 'error',
    'typescript/no-unsafe-call': 'error',
    'typescript/no-unsafe-function-type': 'error',
    'typescript/no-unsafe-member-access': 'error',
    'typescript/no-unsafe-return': 'error',
    'typescript/no-unsafe-type-assertion': 'error',
    'typescript/no-non-null-assertion': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/return-await': 'error',
    // What was caught, or a signal's reason, may be passed on as it is.
    'typescript/only-throw-error': ['error', { allowThrowingAny: true, allowThrowingUnknown: true }],
    'typescript/prefer-promise-reject-errors': ['error', { allowThrowingAny: true, allowThrowingUnknown: true }],
    'typescript/use-unknown-in-catch-callback-variable': 'error',
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    'typescript/restrict-plus-operands': 'error',
    'typescript/no-deprecated': 'error',
    'typescript/prefer-nullish-coalescing': 'error',
    'typescript/ban-ts-comment': 'error',
    'typescript/consistent-type-imports': 'error',
    'typescript/no-import-type-side-effects': 'error',
    'typescript/no-dynamic-delete': 'error',
    'typescript/prefer-readonly': 'error',
    'typescript/require-array-sort-compare': ['error', { ignoreStringArrays: true }],

    'memory-layer/no-dictionary-lookup': 'error',

    // Plain code.
    eqeqeq: ['error', 'always', { null: 'ignore' }],
    curly: ['error', 'multi-line'],
    'prefer-const': 'error',
    'prefer-template': 'error',
    'object-shorthand': 'error',
    'no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
    'no-var': 'error',
    'no-console': 'error',
    'no-else-return': 'error',
    'no-empty': 'error',
    'no-fallthrough': 'error',
    'no-nested-ternary': 'error',
    'no-param-reassign': 'error',
    'no-self-compare': 'error',
    'no-sequences': 'error',
    'array-callback-return': 'error',
    'default-case-last': 'error',
    'symbol-description': 'error',
    'unicorn/catch-error-name': ['error', { ignore: ['^cause$'] }],
    'unicorn/error-message': 'error',
    'unicorn/throw-new-error': 'error',
    'unicorn/prefer-type-error': 'error',
    'unicorn/no-abusive-eslint-disable': 'error',
    'unicorn/no-process-exit': 'error',
    'unicorn/no-typeof-undefined': 'error',
    'unicorn/no-useless-promise-resolve-reject': 'error',
    'unicorn/prefer-at': 'error',
    'unicorn/prefer-date-now': 'error',
    'unicorn/prefer-node-protocol': 'error',
    'unicorn/prefer-number-properties': 'error',
    'unicorn/prefer-optional-catch-binding': 'error',
    'unicorn/prefer-string-replace-all': 'error',
    'unicorn/prefer-string-slice': 'error',
    'unicorn/prefer-structured-clone': 'error',

    // Small files with one way in.
    'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
    'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
    'max-depth': ['error', 4],
    'max-nested-callbacks': ['error', 4],
    'unicorn/filename-case': ['error', { case: 'kebabCase' }],
    'import/first': 'error',
    'import/no-cycle': ['error', { ignoreTypes: false }],
    'import/no-default-export': 'error',
    'import/no-duplicates': 'error',
    'import/no-mutable-exports': 'error',
    'oxc/no-barrel-file': ['error', { threshold: 0 }],
    'no-restricted-properties': [
      'error',
      { object: 'process', property: 'env', message: 'Only main.ts reads process.env; hand a config down.' },
      { object: 'globalThis', property: 'process', message: 'Only main.ts reads process.env; hand a config down.' },
    ],
    'vitest/valid-title': ['error', { ignoreTypeOfDescribeName: true }],
    'vitest/expect-expect': ['error', { assertFunctionNames: ['expect', 'expect*', 'assert*', 'fc.assert'] }],
    'vitest/no-restricted-vi-methods': [
      'error',
      {
        mock: 'Pass a fake through the factory instead.',
        doMock: 'Pass a fake through the factory instead.',
        hoisted: 'Pass a fake through the factory instead.',
        waitFor: 'Use eventually() of testing/eventually.ts, which is patient on a busy machine.',
        waitUntil: 'Use eventually() of testing/eventually.ts, which is patient on a busy machine.',
      },
    ],

    // Off, each for its reason.
    'no-await-in-loop': 'off', // batches, retries and migrations are sequential on purpose
    'unicorn/require-post-message-target-origin': 'off', // a browser rule; here postMessage speaks to worker threads
    'import/no-named-as-default': 'off', // CommonJS packages have both: `import pg from 'pg'`
    'import/no-named-as-default-member': 'off',
    'oxc/no-map-spread': 'off', // a copy with one field changed is how values are updated here
    'typescript/consistent-return': 'off', // the compiler's noImplicitReturns knows better
    'typescript/no-unnecessary-type-arguments': 'off', // saying a default aloud can help the reader
    'vitest/require-to-throw-message': 'off', // an error's code is checked where it matters
  },
  overrides: [
    { files: readsEnvironment, rules: { 'no-restricted-properties': 'off' } },
    {
      files: ['**/main.ts', ...scripts],
      rules: { 'no-console': 'off', 'unicorn/no-process-exit': 'off' },
    },
    // Nobody else calls them.
    { files: scripts, rules: { 'memory-layer/no-dictionary-lookup': 'off' } },
    { files: ['**/testing/eventually.ts'], rules: { 'vitest/no-restricted-vi-methods': 'off' } },
    { files: ['*.config.ts'], rules: { 'import/no-default-export': 'off' } },
    { files: ['packages/embedded-postgres/src/index.ts'], rules: { 'oxc/no-barrel-file': 'off' } },
    {
      // A factory is its module: many small functions in one closure.
      files: ['**/compose.ts', '**/*.{repository,routes,service}.ts'],
      rules: { 'max-lines-per-function': ['error', { max: 150, skipBlankLines: true, skipComments: true }] },
    },
    {
      files: tests,
      rules: {
        'memory-layer/no-dictionary-lookup': 'off', // tests look up what they have made
        'memory-layer/no-vacuous-expect': 'error',
        'max-lines-per-function': 'off', // a describe block is one function
        'max-nested-callbacks': 'off',
        'unicorn/consistent-function-scoping': 'off', // a helper stands beside the tests it serves
        'typescript/no-unsafe-argument': 'off', // bodies of answers and `expect.any()` are `any`; the test is the check
        'typescript/no-unsafe-assignment': 'off',
        'typescript/no-unsafe-call': 'off',
        'typescript/no-unsafe-member-access': 'off',
        'typescript/no-unsafe-return': 'off',
        'typescript/no-unsafe-type-assertion': 'off', // hostile and partial inputs are the point of a test
      },
    },
    ...importBoundaries,
  ],
});
