// ESLint, flat configuration. What is checked and why is said here and nowhere else: comments in the code that switch
// rules off have no effect (`noInlineConfig`), so that an exception is always a line in this file, with its reason.
import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Time comes from the injected clock (lib/clock.ts), so that a test can drive a year in milliseconds. */
const wallClock = {
  'no-restricted-globals': [
    'error',
    ...['setTimeout', 'setInterval', 'performance'].map((name) => ({
      name,
      message: 'Time is injected: use the Clock (lib/clock.ts). A business delay is a row with a due time.',
    })),
  ],
  'no-restricted-syntax': [
    'error',
    {
      selector: "MemberExpression[object.name='Date'][property.name='now']",
      message: 'Time is injected: use clock.now().',
    },
    {
      selector: "NewExpression[callee.name='Date'][arguments.length=0], CallExpression[callee.name='Date']",
      message: 'Time is injected: use new Date(clock.now()).',
    },
    {
      selector:
        "CallExpression[callee.object.name='DateTime'][callee.property.name=/^(now|local|utc)$/][arguments.length=0]",
      message: 'Time is injected: use DateTime.fromMillis(clock.now()).',
    },
    {
      selector: "MemberExpression[object.name='globalThis'][property.name=/^(setTimeout|setInterval|performance)$/]",
      message: 'Time is injected: use the Clock (lib/clock.ts).',
    },
  ],
};

/** Ways around the rules above, and packages that belong behind one door each. */
function restrictedImports(...more) {
  return {
    '@typescript-eslint/no-restricted-imports': [
      'error',
      {
        paths: [
          ...['timers', 'timers/promises', 'node:timers', 'node:timers/promises', 'perf_hooks', 'node:perf_hooks'].map(
            (name) => ({ name, message: 'Time is injected: use the Clock (lib/clock.ts).' }),
          ),
          ...more,
        ],
      },
    ],
  };
}

const nodeRed = { name: 'node-red', message: 'lib/ works without Node-RED; only lib/runtime starts one.' };
const express = { name: 'express', message: 'express is used in lib/http only.' };

export default defineConfig(
  globalIgnores(['dist/', 'resources/', 'coverage/', 'node_modules/']),
  { linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'error' } },

  // TypeScript: everything that is compiled, and the tests.
  {
    files: ['**/*.ts'],
    extends: [js.configs.recommended, tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        // `import('x')` as a type is how an optional package is named without loading it.
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      // `_name` says that a parameter is there for its place only; a rest sibling leaves the others out.
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true, caughtErrors: 'all' },
      ],
      // Methods of an interface that promises a Promise are async whether or not they wait for anything.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
      // Options and hosts here are records of functions, written in method style and taken apart freely; the rule cannot
      // tell them from methods that need their `this`.
      '@typescript-eslint/unbound-method': 'off',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
    },
  },

  // The core.
  { files: ['lib/**/*.ts'], rules: { ...wallClock, ...restrictedImports(nodeRed, express) } },
  { files: ['lib/http/**/*.ts'], rules: restrictedImports(nodeRed) },
  // The command line: it starts Node-RED and an Express server, and it talks to a terminal.
  { files: ['lib/runtime/**/*.ts'], rules: { ...restrictedImports(express), 'no-console': 'off' } },
  {
    files: [
      // The one place that reads the machine's time.
      'lib/clock.ts',
      // A lock is held by another process or thread, which lives in real time: the pause before the next try is real.
      'lib/store/scope.ts',
      'lib/store/migrate.ts',
      // A thread that has only the database: how often it copies the write-ahead log back decides nothing.
      'lib/store/sqlite-thread.ts',
    ],
    rules: { 'no-restricted-globals': 'off', 'no-restricted-syntax': 'off' },
  },
  // Optional packages and whatever would slow the start down are loaded when they are needed, by `require`.
  {
    files: ['lib/store/**/*.ts', 'lib/runtime/cli.ts', 'test/**/*.ts'],
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },

  // The nodes: Node-RED is reached through nodes/kit; the other folders may name its types.
  {
    files: ['nodes/**/*.ts'],
    ignores: ['nodes/kit/editor/**'],
    rules: {
      ...wallClock,
      ...restrictedImports({ ...nodeRed, allowTypeImports: true }, { ...express, allowTypeImports: true }),
    },
  },

  // Editor code runs in a browser. A node's properties are typed `unknown` there, and are what a form field holds: text
  // or a number.
  { files: ['nodes/kit/editor/**/*.ts'], rules: { '@typescript-eslint/no-base-to-string': 'off' } },

  // Tests, benches and tools print.
  { files: ['test/**/*.ts', 'bench/**/*.ts'], rules: { 'no-console': 'off' } },

  // Tools and configuration: plain JavaScript, run by Node as it is.
  {
    files: ['**/*.{mjs,cjs}'],
    extends: [js.configs.recommended],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'process',
          'console',
          'Buffer',
          'URL',
          'setTimeout',
          'clearTimeout',
          'setImmediate',
          'fetch',
          'performance',
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
  {
    files: ['**/*.cjs'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { require: 'readonly', module: 'writable', __dirname: 'readonly', exports: 'writable' },
    },
  },
);
