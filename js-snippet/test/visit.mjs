// One visit of a shop's page: the built tag in jsdom, a clock that stands still until it is told, and a collector
// that answers as it is told. Do this; exactly these beacons leave.
import { readFile } from 'node:fs/promises'
import { withGlobal } from '@sinonjs/fake-timers'
import { JSDOM, ResourceLoader } from 'jsdom'
import { files } from '../build.mjs'

const built = await files()
/** The other files lie beside the page in these tests. */
class Files extends ResourceLoader {
  constructor(serves) {
    super()
    this.serves = serves
  }

  fetch(url) {
    const [, name] = /-(\w+)\.js/.exec(url) || []
    return this.serves && built[`s-${name}.js`]
      ? Promise.resolve(Buffer.from(built[`s-${name}.js`]))
      : Promise.reject(new Error('404'))
  }
}

const NOON = Date.UTC(2026, 4, 1, 12)

/**
 * @param {object} given
 * @param {Record<string, string>} [given.storage] what localStorage holds already
 * @param {(path: string, body: any) => any} [given.collector] a status, `[status, headers]`, a JSON answer, or a throw
 * @param {string} [given.tag] attributes of the script element
 * @param {string} [given.before] a script before the tag
 * @param {(window: any) => void} [given.browser] what is different about this browser
 * @param {string} [given.html] what stands in the page's body
 * @param {boolean} [given.serves] can the other files be had?
 * @param {string} [given.url] of the page
 */
export async function visit({ storage = {}, collector = () => ({}), tag = 'data-consent="assumed"', before = '', browser, html = '', serves = true, url = 'https://shop.example/p/1?x=2#top' } = {}) {
  const beacons = []
  let clock
  const dom = new JSDOM('<!doctype html><title>Shop</title><body>' + html, {
    url,
    runScripts: 'dangerously',
    resources: new Files(serves),
    beforeParse(window) {
      clock = withGlobal(window).install({
        now: NOON,
        toFake: ['setTimeout', 'clearTimeout', 'Date']
      })
      for (const [name, value] of Object.entries(storage)) window.localStorage.setItem(name, value)
      window.fetch = async (url, { body, credentials }) => {
        const path = url.replace('https://h.shop.example/h/v1/', '')
        const sent = body.startsWith('{') ? JSON.parse(body) : body
        const answer = collector(path, sent)
        const [status, headers] = Array.isArray(answer) ? answer : [typeof answer === 'number' ? answer : 200, {}]
        beacons.push({ path, body: sent, credentials, status, at: clock.now - NOON })
        return {
          ok: status === 200,
          url,
          status,
          headers: new Headers(headers),
          json: async () => {
            if (typeof answer === 'string') throw new SyntaxError('no JSON')
            return answer
          }
        }
      }
      window.navigator.sendBeacon = () => false
      window.TextEncoder = TextEncoder // jsdom has none, and no views
      window.IntersectionObserver = class {
        observe() {}
        unobserve() {}
      }
      if (browser) browser(window)
    }
  })
  const { window } = dom
  const run = (code, attributes = '') => {
    const holder = window.document.createElement('div')
    holder.innerHTML = `<script ${attributes}></script>`
    const script = window.document.createElement('script')
    for (const { name, value } of holder.firstChild.attributes) script.setAttribute(name, value)
    script.textContent = code
    window.document.head.append(script)
  }
  if (before) run(before)
  const paste = () => run(built['s.js'], `data-key="k" data-endpoint="https://h.shop.example/h" ${tag}`)
  paste()
  for (let i = 0; i < 5; i++) await new Promise(setImmediate)
  await clock.tickAsync(0)
  return {
    window,
    beacons,
    paste,
    run,
    stub: built['stub.js'],
    habitue: (...call) => window.habitue(...call),
    /** Lets `milliseconds` pass. */
    pass: (milliseconds) => clock.tickAsync(milliseconds),
    /** Names of the events the collector took, in the order they came. */
    taken: () => beacons.filter(({ status }) => status === 200).flatMap(({ body }) => (body.batch || []).map((e) => e.event || e.type)),
    kept: () => Object.fromEntries(Object.entries(window.localStorage)),
    close: () => {
      clock.uninstall()
      window.close()
    }
  }
}

export const at = (milliseconds) => new Date(NOON + milliseconds).toISOString()
export const millisecond = (milliseconds) => NOON + milliseconds
export const committed = (name) =>
  readFile(new URL(`../../collector/habitue_collector/static/tag/${name}`, import.meta.url), 'utf8')
export { built }
