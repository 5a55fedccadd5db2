// The arrows of docs/architecture.md, as rules. `npm run lint` and test/arrows run them.
//
//   nodes → lib;   http, runtime, marketing → domain modules → store, timers, conditions → errors, clock → nothing

/** Each is entered through its index.ts only. */
const domain =
  '(?:access|analytics|calendar|campaigns|channels|compliance|content|conversions|definitions|events|experiments|governance|history|leads|ledger|metrics|model|notes|outbox|pacing|pricing|schedules|scoring|segments|sending|templates|triggers|waiting)';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Two files that need each other are one file, or have a third one in them.',
      severity: 'error',
      from: {},
      // A type names what another file holds; nothing is loaded.
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'lib-imports-no-nodes',
      comment: 'The core works without Node-RED.',
      severity: 'error',
      from: { path: '^lib/' },
      to: { path: '^nodes/' },
    },
    {
      name: 'node-red-is-started-by-the-runtime-only',
      comment: 'Only lib/runtime embeds Node-RED.',
      severity: 'error',
      from: { path: '^lib/', pathNot: '^lib/runtime/' },
      to: { path: '(?:^|/)(?:node-red|@node-red)(?:/|$)' },
    },
    {
      name: 'express-is-in-http-only',
      comment: 'Everything that answers HTTP is in lib/http.',
      severity: 'error',
      from: { path: '^lib/', pathNot: '^lib/http/' },
      to: { path: '(?:^|/)(?:@types/)?express(?:/|$)' },
    },
    {
      name: 'only-the-kit-touches-red',
      comment: 'A node folder takes the types of Node-RED and hands RED to nodes/kit.',
      severity: 'error',
      from: { path: '^nodes/', pathNot: '^nodes/kit/' },
      to: { path: '(?:^|/)(?:@types/)?(?:node-red|@node-red)(?:/|$)', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'nodes-do-not-import-each-other',
      comment: 'What two nodes share is in nodes/kit.',
      severity: 'error',
      from: { path: '^nodes/([^/]+)/', pathNot: '^nodes/kit/' },
      to: { path: '^nodes/', pathNot: '^nodes/(?:kit|$1)/' },
    },
    {
      name: 'nodes-enter-lib-through-the-front',
      comment: 'Nodes use what lib/index.ts, a module’s index.ts or the shared words (types, errors, clock) offer.',
      severity: 'error',
      from: { path: '^nodes/' },
      to: { path: '^lib/[^/]+/', pathNot: '^lib/[^/]+/index\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'store-stands-alone',
      comment: 'The store knows errors and the clock, and no domain.',
      severity: 'error',
      from: { path: '^lib/store/' },
      to: { path: '^(?:lib|nodes)/', pathNot: '^lib/(?:store/|errors\\.ts$|clock\\.ts$)' },
    },
    {
      name: 'timers-and-conditions-stand-alone',
      comment: 'Timers and conditions know the store, errors and the clock, and no domain; nor each other.',
      severity: 'error',
      from: { path: '^lib/(timers|conditions)/' },
      to: { path: '^(?:lib|nodes)/', pathNot: '^lib/(?:$1/|store/|errors\\.ts$|clock\\.ts$)' },
    },
    {
      name: 'modules-are-entered-through-index',
      comment: 'MAINT-004: a domain module’s insides are its own. What others need, its index.ts offers.',
      severity: 'error',
      from: { path: `^lib/(${domain})/` },
      to: {
        path: `^lib/(?:${domain}|store|timers|conditions)/`,
        pathNot: '^lib/(?:$1/|[^/]+/index\\.ts$)',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'modules-do-not-import-their-users',
      comment: 'http, runtime and marketing.ts use the domain modules, never the other way round.',
      severity: 'error',
      from: { path: `^lib/(?:${domain}|store|timers|conditions)/` },
      to: { path: '^lib/(?:http|runtime|marketing)/|^lib/index\\.ts$' },
    },
    {
      name: 'tests-stay-outside',
      comment: 'What is published needs nothing of test/, bench/ or tools/.',
      severity: 'error',
      from: { path: '^(?:lib|nodes)/' },
      to: { path: '^(?:test|bench|tools)/' },
    },
    {
      name: 'everything-resolves',
      comment: 'An import that leads nowhere.',
      severity: 'error',
      from: { path: '^(?:lib|nodes)/' },
      to: { couldNotResolve: true },
    },
    {
      name: 'packages-are-declared',
      comment: 'Whoever installs this package gets its dependencies and may add its peers; nothing else is there.',
      severity: 'error',
      from: { path: '^(?:lib|nodes)/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm', 'npm-peer', 'npm-optional', 'type-only'],
      },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: 'specify',
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['node', 'require', 'import', 'types'] },
    exclude: { path: '^(?:dist|resources|coverage)/' },
  },
};
