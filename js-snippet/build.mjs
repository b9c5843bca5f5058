// Builds the tag into the collector's static folder. `--check` writes nothing and fails when the
// committed files are not what the sources give.
import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import path from 'node:path'
import { build } from 'esbuild'

const here = path.dirname(fileURLToPath(import.meta.url))
const target = path.join(here, '../collector/habitue_collector/static/tag')

/** One source, one self-contained script. */
async function bundle(entry, define = {}) {
  const result = await build({
    absWorkingDir: here,
    entryPoints: [`src/${entry}.ts`],
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2019',
    tsconfigRaw: { compilerOptions: { alwaysStrict: false } },
    charset: 'utf8',
    legalComments: 'none',
    write: false,
    define
  })
  return result.outputFiles[0].text
}

export async function files() {
  const slots = await bundle('slots')
  const digest = createHash('sha256').update(slots).digest('base64url')
  return {
    's-slots.js': slots,
    // It loads the other from beside itself: with the digest in the address no cache gives it a stale one.
    's.js': await bundle('main', { SLOTS_INTEGRITY: JSON.stringify(`sha256-${digest}`) }),
    'stub.js': await bundle('stub')
  }
}

async function main(check) {
  if (!check) await mkdir(target, { recursive: true })
  for (const [name, text] of Object.entries(await files())) {
    const file = path.join(target, name)
    if (!check) await writeFile(file, text)
    else if ((await readFile(file, 'utf8').catch(() => '')) !== text) {
      console.error(`${name} is not what the sources give: run "npm run build" and commit it`)
      process.exitCode = 1
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.includes('--check'))
