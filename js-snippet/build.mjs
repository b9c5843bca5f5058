// Builds the tag into the collector's static folder. `--check` writes nothing and fails when the
// committed files are not what the sources give.
import { createHash } from 'node:crypto'
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import path from 'node:path'
import { build } from 'esbuild'
import { minify } from 'terser'
import uglify from 'uglify-js'

const here = path.dirname(fileURLToPath(import.meta.url))
const target = path.join(here, '../collector/habitue_collector/static/tag')

/** Who writes the stub into their pages has it beside them: another distribution, and a shop that knows only doors. */
const copies = ['../python-sdk/habitue/static/stub.js', '../examples/shop/habitue_shop/templates/stub.js'].map((name) =>
  path.join(here, name)
)

/** For pages that want our styles where the browser has no constructed sheets. */
const sheet = path.join(here, '../docs/tag.css')

/** Own properties that no page sees; each file has to call them the same. */
const OWN = /^_[a-z]/

const options = (entry) => ({
  absWorkingDir: here,
  entryPoints: [`src/${entry}.ts`],
  bundle: true,
  format: 'iife',
  target: 'es2022',
  tsconfigRaw: { compilerOptions: { alwaysStrict: false } },
  charset: 'utf8',
  legalComments: 'none',
  write: false
})

/** One source, one self-contained script. `names`: what the build calls our own properties. */
async function bundle(entry, define = {}, names = {}) {
  const result = await build({ ...options(entry), mangleProps: OWN, mangleCache: names, define })
  Object.assign(names, result.mangleCache)
  return result.outputFiles[0].text
}

/** The same before it is made small. */
export async function readable(entry) {
  return (await build(options(entry))).outputFiles[0].text
}

/** What the tag says in its own sheets, as a file. */
async function styles() {
  const stdin = { contents: "export * from './src/style'; export * from './src/cards'", resolveDir: here, loader: 'ts' }
  const { outputFiles } = await build({ stdin, bundle: true, format: 'esm', write: false })
  const { ROOM, CARDS } = await import('data:text/javascript,' + encodeURIComponent(outputFiles[0].text))
  return (ROOM + CARDS).replaceAll('}', '}\n')
}

/**
 * Two minifiers, for each finds what the other leaves: together some four per cent less than either.
 * `booleans_as_integers` also turns `=== true` into `== 1`: a shop that says 1 means yes.
 */
async function squeeze(text) {
  const first = { passes: 4, if_return: false, unsafe_arrows: true, unsafe_methods: true, pure_getters: true, booleans_as_integers: true }
  const { code } = await minify(text, { ecma: 2020, compress: first, mangle: { toplevel: true } })
  const second = { passes: 4, pure_getters: true, keep_fargs: false, collapse_vars: false, inline: 3 }
  const made = uglify.minify(code, { compress: second })
  if (made.error) throw made.error
  return made.code + '\n'
}

/** A file names the digest of the one it loads: no cache gives it a stale one, and the integrity attribute holds. */
export async function files() {
  const names = {}
  const digest = (text) => JSON.stringify(createHash('sha256').update(text).digest('base64url'))
  await bundle('main', {}, names)
  const debug = await squeeze(await bundle('debug', {}, names))
  const more = await squeeze(await bundle('more', {}, names))
  return {
    's.js': await squeeze(await bundle('main', { MORE: digest(more), DEBUG: digest(debug) }, names)),
    's-more.js': more,
    's-debug.js': debug,
    'stub.js': await squeeze(await bundle('stub'))
  }
}

const pack = (text) =>
  brotliCompressSync(text, {
    params: {
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_LGWIN]: 16,
      [constants.BROTLI_PARAM_SIZE_HINT]: text.length
    }
  })

/** Another version of Brotli may pack otherwise; what comes out of it is what counts. */
const unpacked = (file) =>
  readFile(file).then(
    (packed) => brotliDecompressSync(packed).toString(),
    () => ''
  )

async function main(check) {
  const css = '/* Written by `npm run build` from js-snippet/src: see docs/tag.md, "Strict pages". */\n' + (await styles())
  if (!check) await writeFile(sheet, css)
  else if ((await readFile(sheet, 'utf8').catch(() => '')) !== css) {
    console.error('docs/tag.css is not what the sources give: run "npm run build" and commit it')
    process.exitCode = 1
  }
  if (!check) await mkdir(target, { recursive: true })
  const built = await files()
  for (const copy of copies) {
    if (!check) await writeFile(copy, built['stub.js'])
    else if ((await readFile(copy, 'utf8').catch(() => '')) !== built['stub.js']) {
      console.error(`${copy} is not the stub that the sources give: run "npm run build" and commit it`)
      process.exitCode = 1
    }
  }
  for (const [name, text] of Object.entries(built)) {
    const file = path.join(target, name)
    if (!check) {
      await writeFile(file, text)
      await writeFile(file + '.br', pack(text))
    } else if ((await readFile(file, 'utf8').catch(() => '')) !== text || (await unpacked(file + '.br')) !== text) {
      console.error(`${name} is not what the sources give: run "npm run build" and commit it`)
      process.exitCode = 1
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.includes('--check'))
