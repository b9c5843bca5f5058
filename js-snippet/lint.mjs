// Fails when the tag uses what a browser of the last four years does not have. What ships is looked at, before it is
// made small: the linter reads JavaScript, and nothing that the bundler adds goes unseen.
import { ESLint } from 'eslint'
import compat from 'eslint-plugin-compat'
import { readable } from './build.mjs'

const eslint = new ESLint({
  overrideConfigFile: true,
  overrideConfig: [
    {
      languageOptions: { ecmaVersion: 2022, sourceType: 'script' },
      plugins: { compat },
      rules: { 'compat/compat': 'error', 'no-eval': 'error', 'no-implied-eval': 'error', 'no-new-func': 'error', 'no-debugger': 'error' },
      settings: {
        browsers: ['last 4 years and fully supports es6-module and not dead'],
        polyfills: [
          // Tried, and done without: Safari before 16.4 shows offers without our styles.
          'document.adoptedStyleSheets'
        ]
      }
    }
  ]
})

for (const name of ['main', 'more', 'stub']) {
  for (const { messages } of await eslint.lintText(await readable(name), { filePath: `${name}.js` })) {
    for (const { message, line } of messages) {
      console.error(`${name}, line ${line} of its bundle: ${message}`)
      process.exitCode = 1
    }
  }
}
