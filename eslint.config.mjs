import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

/**
 * The arrows of docs/architecture.md as rules: what a folder must not import, and why.
 *
 * @param {string[]} files
 * @param {{ regex: string, message: string }[]} patterns
 */
function forbid(files, ...patterns) {
  return { files, rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] } };
}

const vscode = { regex: '^vscode$', message: 'This part is pure: it must run without VS Code.' };
const network = {
  regex:
    '^(node:)?(net|http|http2|fs|fs/promises|child_process|dgram|tls)$|^@grpc/|^@pickscope/protocol/(descriptor|descriptorFile|runtimeFolder)$',
  message: 'Only attachment and discovery touch the network and the file system.',
};
const above = (...folders) => ({
  regex: `^\\.{1,2}/(.*/)?(${folders.join('|')})/`,
  message: 'The data goes one way; see docs/architecture.md.',
});

export default tseslint.config(
  {
    ignores: [
      '**/dist/',
      '**/out/',
      '**/node_modules/',
      'protocol/src/generated/',
      'test/host/stand-ins/',
      // Programs as others write them.
      'test/programs/*/',
      '.vscode-test/',
    ],
  },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      // Numbers in messages are what this project is about.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      // Indices into typed arrays that the code has just bounded; a check there would be dead code.
      '@typescript-eslint/no-non-null-assertion': 'off',
      complexity: ['error', 14],
      'max-lines-per-function': ['error', { max: 80, skipComments: true, skipBlankLines: true }],
    },
  },
  {
    files: ['**/*.mjs', '**/*.cjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        Buffer: 'readonly',
        setTimeout: 'readonly',
      },
    },
  },
  {
    files: ['src/**'],
    ignores: ['src/commands/**'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'Identifier[name=/^show(Information|Warning|Error)Message$/]',
          message: 'A message pops up only as the answer to what a person did: in a command.',
        },
      ],
    },
  },
  {
    // Suites of tests are long functions by nature, and mocha's callbacks are not awaited by the caller.
    files: ['**/test/**/*.ts'],
    rules: { 'max-lines-per-function': 'off', '@typescript-eslint/no-unused-expressions': 'off' },
  },

  forbid(['src/model/**'], vscode, network, above('views', 'attachment', 'discovery', 'commands', 'panel')),
  forbid(['src/messages/**'], vscode, network, above('views', 'attachment', 'discovery', 'commands', 'panel', 'model')),
  forbid(['src/panel/**'], vscode, network, above('views', 'attachment', 'discovery', 'commands', 'model'), {
    regex: '^node:|^@pickscope/',
    message: 'The panel imports only messages and browser libraries.',
  }),
  forbid(['src/views/**', 'src/commands/**'], network, above('panel')),
  forbid(['src/launch/**'], network, above('views', 'attachment', 'discovery', 'commands', 'panel', 'model')),
  forbid(['src/attachment/**', 'src/discovery/**'], above('views', 'commands', 'panel')),

  forbid(
    ['libraries/node/src/policies/**'],
    { regex: '^@grpc/|^node:|^@pickscope/', message: 'Policies are pure.' },
    above('balancer', 'observe', 'recorder', 'server'),
  ),
  forbid(['simulator/*.ts'], {
    regex: '^(?!\\./|\\.\\./libraries/node/src/policies/)',
    message: 'The simulator is pure, and knows only the policies.',
  }),
  forbid(['libraries/node/src/balancer/**'], above('recorder', 'server', 'observe')),
  forbid(['libraries/node/src/recorder/**'], above('server', 'observe', 'balancer')),
);
