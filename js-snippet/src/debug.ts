/**
 * Shows what the tag saw, what was sent, what was refused and why. Loaded by `#habitue_debug=<token>` and by
 * `habitue('doctor')`. The token comes from `habitue doctor --page URL`; the server says whether it is good, and what it
 * makes of each event. The console needs none: it tells only what this page's own script knows.
 *
 * Everything is made by createElement and textContent, styles are a constructed sheet: strict pages let it through.
 */
import type { Core, Note } from './core'
import { safe } from './safe'

interface Told {
  messageId?: string
  type?: string
  event?: string
  name?: string
  userId?: string
  context?: { source?: string }
  properties?: Record<string, unknown>
}
interface Result {
  index: number
  status: string
  reason?: string
  message?: string
  duplicate?: boolean
  kept?: string
  kind?: string
  items?: { item_id: string; name?: string; price?: number; category?: string }[]
  value?: number
  currency?: string
  order_id?: string
}
interface SlotAnswer {
  offers?: unknown[]
  reason?: string
  model?: string
  variant?: string
}
interface Answer {
  results?: Result[]
  slots?: Record<string, SlotAnswer>
}
interface Grant {
  valid: boolean
  expires_at: number
  now: number
  key: { name: string; consent: string }
  site: string | null
  results?: Result[]
}
type Tone = 'good' | 'bad' | 'wait' | 'plain'
/** One line of the list: `id` joins what was captured with what became of it. */
interface Line {
  id: string
  at: number
  what: string
  source: string
  outcome: string
  tone: Tone
  understood: string
  detail: unknown
}
interface Slot {
  id: string
  outcome: string
  tone: Tone
}

const core = (window as unknown as { habitue: { core: Core } }).habitue.core
const endpoint = core.endpoint
const writeKey = core.setting('key') || ''
const given = /[#&?]habitue_debug=([^&]+)/.exec(location.hash)
const token = given ? decodeURIComponent(given[1]!) : ''

/** What each reason asks of whoever reads it. */
const REASONS: Record<string, string> = {
  consent: 'consent to analytics is denied, so it was forgotten',
  'told before': 'the page told of it before; it counts once',
  region: 'a default for another region, or for a region that is not known',
  no_product: 'the markup describes no product of this page',
  ambiguous_product: 'the markup has several products and does not say which one the page is about',
  missing_order_id: 'an order needs its order_id or transaction_id',
  invalid_value: 'the value is no finite number',
  no_identity: 'neither cookie nor id came along',
  event_too_large: 'more than 32 KB',
  unknown_slot: 'the server has no slot of this name: see [slots] in its settings'
}
const STATES: Record<string, [string, Tone]> = {
  wait: ['waits for offers; the shop’s own content is there', 'wait'],
  room: ['waits for offers; its room is kept', 'wait'],
  offers: ['shows offers', 'good'],
  shop: ['no offers in time: the shop’s own content stayed', 'plain'],
  empty: ['no offers', 'plain']
}

/** What a page gave us may hold elements, functions and cycles. */
function json(value: unknown): string {
  const parents: unknown[] = []
  return JSON.stringify(
    value,
    function (this: unknown, _name: string, part: unknown) {
      while (parents.length && parents[parents.length - 1] !== this) parents.pop()
      if (typeof part === 'function' || typeof part === 'bigint') return String(part).slice(0, 60)
      if (!part || typeof part !== 'object') return part
      if (part instanceof Node || part === window) return String(part)
      if (parents.indexOf(part) >= 0 || parents.length > 12) return '…'
      parents.push(part)
      return part
    },
    1
  )
}

// ---- what is known -----------------------------------------------------------------------------------------------

const understood: Record<string, Result> = {}
const violations: { at: number; directive: string; blocked: string }[] = []
let grant: Grant | undefined
let refusal = ''

const words = (reason: string): string => (REASONS[reason] ? reason + ': ' + REASONS[reason] : reason)
const asTold = (event: Told): string => event.event || (event.type === 'page' ? 'page view' : event.name || event.type || '?')
const isTold = (value: unknown): value is Told => !!value && typeof value === 'object' && !Array.isArray(value)

function sourceOf(event: Told): string {
  const source = event.context && event.context.source
  return source || (event.type === 'page' ? 'page' : /^Offer /.test(event.event || '') ? 'slot' : 'habitue()')
}

/** What was ignored before it was an event: a name, or the items of a cart. */
function nameOf(about: unknown): string {
  const all = Array.isArray(about) ? about.map((one) => (isTold(one) ? (one as { item_id?: string }).item_id : one)) : [about]
  const names = all.filter((one) => typeof one === 'string' || typeof one === 'number')
  return names.join(', ') || 'not taken'
}

function summary(result: Result, name: string): string {
  const parts = (result.items || []).slice(0, 3).map((item) => {
    const price = item.price === undefined ? '' : item.price + ' ' + (result.currency || '')
    return [item.item_id, item.name, item.category, price.trim()].filter(Boolean).join(' · ')
  })
  const more = (result.items || []).length - parts.length
  if (more > 0) parts.push('and ' + more + ' more')
  if (result.order_id) parts.unshift('order ' + result.order_id + ' · ' + (result.value === undefined ? '?' : result.value) + ' ' + (result.currency || ''))
  return [result.kind === name ? '' : result.kind, ...parts].filter(Boolean).join(' — ')
}

function outcomeOf(result: Result): [string, Tone] {
  if (result.status === 'rejected') return ['refused: ' + words(result.reason || '?'), 'bad']
  if (result.duplicate) return ['accepted before', 'plain']
  if (result.kept === 'counted') return ['only counted: no consent', 'wait']
  if (result.kept === 'claimed') return ['kept as a claim: the key is public', 'plain']
  return ['accepted', 'good']
}

/** The notes as lines: what was captured, joined with what became of it. */
function lines(): Line[] {
  const found: Line[] = []
  const byId: Record<string, Line> = {}
  core.log.forEach(([at, what, detail]: Note, place) => {
    if (what === 'captured' && isTold(detail)) {
      const id = detail.messageId || 'n' + place
      const known = understood[id]
      byId[id] = {
        id,
        at,
        what: asTold(detail),
        source: sourceOf(detail),
        outcome: known && known.status === 'rejected' ? 'waits; it will be ' + outcomeOf(known)[0] : 'waits',
        tone: known && known.status === 'rejected' ? 'bad' : 'wait',
        understood: known && known.status === 'accepted' ? summary(known, asTold(detail)) : '',
        detail
      }
      found.push(byId[id]!)
    } else if (what === 'ignored') {
      const [reason, about] = (Array.isArray(detail) ? detail : [detail, '']) as [unknown, unknown]
      const event = isTold(about) ? about : undefined
      found.push({
        id: 'n' + at + '.' + place,
        at,
        what: event && (event.event || event.type) ? asTold(event) : nameOf(about),
        source: event ? sourceOf(event) : 'page',
        outcome: 'ignored: ' + words(String(reason)),
        tone: 'plain',
        understood: '',
        detail
      })
    } else if ((what === 'sent' || what === 'refused') && isTold(detail)) {
      const { events, answer } = detail as { events?: Told[]; answer?: Answer | number }
      const results = (answer && typeof answer === 'object' && answer.results) || []
      ;(events || []).forEach((event, index) => {
        const line = byId[event.messageId || '']
        if (!line) return
        const result = results.filter((one) => one.index === index)[0]
        if (what === 'refused') {
          line.outcome = 'not delivered' + (answer ? ': again in ' + Math.ceil(+answer / 1000) + ' s' : ': will be sent again')
          line.tone = 'bad'
        } else [line.outcome, line.tone] = result ? outcomeOf(result) : ['sent', 'good']
      })
    }
  })
  violations.forEach((one, place) =>
    found.push({
      id: 'v' + place,
      at: one.at,
      what: 'blocked by the page’s policy',
      source: 'CSP',
      outcome: 'add ' + new URL(endpoint).origin + ' to ' + one.directive,
      tone: 'bad',
      understood: one.blocked,
      detail: one
    })
  )
  return found.sort((a, b) => b.at - a.at)
}

function slots(): Slot[] {
  const answers: Record<string, SlotAnswer> = {}
  const ids: string[] = []
  const add = (id: string): void => {
    if (ids.indexOf(id) < 0) ids.push(id)
  }
  for (const [, what, detail] of core.log) {
    if (what === 'slot' && Array.isArray(detail)) detail.forEach((id) => add(String(id)))
    const answer = what === 'sent' && isTold(detail) ? (detail as { answer?: Answer }).answer : undefined
    if (answer && answer.slots) Object.assign(answers, answer.slots)
  }
  const elements = Array.from(document.querySelectorAll('[data-habitue-slot]'))
  elements.forEach((element) => add(element.getAttribute('data-habitue-slot')!))
  return ids.map((id) => {
    const answer = answers[id]
    const element = elements.filter((one) => one.getAttribute('data-habitue-slot') === id)[0]
    if (answer && answer.reason) return { id, outcome: words(answer.reason), tone: 'bad' }
    const [said, tone] = (element && STATES[element.getAttribute('data-habitue') || '']) || ['asked for by the page', 'plain' as Tone]
    if (!answer) return { id, outcome: element ? said : 'waits for an answer', tone }
    const count = (answer.offers || []).length
    const how = [count + (count === 1 ? ' offer' : ' offers'), answer.variant && 'variant ' + answer.variant].filter(Boolean)
    return { id, outcome: said + ' (' + how.join(', ') + ')', tone: count ? tone : 'plain' }
  })
}

/** What is decided, and every signal on the page that could have said so. */
function consent(): { analytics: string; personalization: string; signals: string[] } {
  let now = { analytics: 'unknown', personalization: 'unknown' } as Record<string, string>
  for (const [, what, detail] of core.log) if (what === 'consent' && isTold(detail)) now = detail as Record<string, string>
  const page = window as unknown as Record<string, unknown>
  const layer = page[core.setting('layer') || 'dataLayer']
  const said = (entry: unknown): boolean => !!entry && (entry as unknown[])[0] === 'consent'
  const signals = [
    (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl && 'Global Privacy Control of this browser: denied',
    now.source && 'said by ' + now.source,
    'data-consent: ' + (core.setting('consent') || 'required'),
    Array.isArray(layer) && layer.some(said) && 'Consent Mode on this page',
    page.__tcfapi && 'TCF on this page',
    page.Shopify && (page.Shopify as { customerPrivacy?: unknown }).customerPrivacy && 'Shopify’s customerPrivacy on this page',
    page.Cookiebot && 'Cookiebot on this page',
    (page.OneTrust || page.OptanonWrapper) && 'OneTrust on this page',
    (page.UC_UI || page.__ucCmp) && 'Usercentrics on this page'
  ]
  return { analytics: now.analytics!, personalization: now.personalization!, signals: signals.filter(Boolean) as string[] }
}

/** What stands in the way of everything, as sentences. */
function warnings(): string[] {
  const said = []
  if (!writeKey) said.push('The script element has no data-key: the server will refuse everything.')
  if (grant && grant.site === 'cross-site') {
    said.push(
      new URL(endpoint).host + ' is another site than ' + location.host +
        ': browsers keep no cookie for it, and every page is a new visitor. Serve the tag from a name below the shop’s own.'
    )
  }
  if (grant && Math.abs(grant.now - Date.now()) > 60_000) {
    said.push('The clocks of this device and of the server are ' + Math.round(Math.abs(grant.now - Date.now()) / 1000) + ' s apart; the server corrects it.')
  }
  return said
}

function report(): unknown {
  return {
    page: location.href.replace(/#.*/, ''),
    at: new Date().toISOString(),
    browser: navigator.userAgent,
    server: endpoint,
    key: writeKey,
    consent: consent(),
    warnings: warnings(),
    slots: slots(),
    events: lines(),
    log: core.log
  }
}

// ---- the console -------------------------------------------------------------------------------------------------

const time = (at: number): string => new Date(at).toTimeString().slice(0, 8)

core.doctor = safe(() => {
  const state = consent()
  console.group('Habitue')
  console.table({
    server: { value: endpoint },
    key: { value: writeKey || 'none: set data-key' },
    analytics: { value: state.analytics },
    personalization: { value: state.personalization },
    consent: { value: state.signals.join('; ') }
  })
  const all = slots()
  if (all.length) console.table(all.map((slot) => ({ slot: slot.id, state: slot.outcome })))
  const told = lines()
  if (told.length) {
    console.table(
      told.reverse().map((line) => ({ time: time(line.at), what: line.what, from: line.source, outcome: line.outcome }))
    )
  } else console.log('Nothing was captured yet.')
  warnings().forEach((warning) => console.warn(warning))
  if (!token) console.log('habitue doctor --page ' + location.href.replace(/#.*/, '') + ' prints a link that shows this in the page.')
  console.groupEnd()
})

// ---- the panel ---------------------------------------------------------------------------------------------------

const CSS = `
:host{all:initial;color-scheme:light dark;--bg:#fff;--fg:#1d2126;--soft:#5b6470;--line:#dfe3e8;--card:#f6f7f9;--good:#17723b;--bad:#b3261e;--wait:#8a5a00;--tint:#e8f3ec;--accent:#2457d6}
@media(prefers-color-scheme:dark){:host{--bg:#17191d;--fg:#eceff3;--soft:#a3acb8;--line:#343a42;--card:#20242a;--good:#6fd695;--bad:#ff8f86;--wait:#f0bd62;--tint:#1c2b22;--accent:#8fb0ff}}
*{box-sizing:border-box}
section,.pill{position:fixed;z-index:2147483647;right:12px;bottom:12px;font:13px/1.45 system-ui,sans-serif;color:var(--fg);background:var(--bg);border:1px solid var(--line);border-radius:12px;box-shadow:0 8px 32px rgba(0,0,0,.28)}
section{display:flex;flex-direction:column;width:min(440px,calc(100vw - 24px));max-height:min(760px,calc(100vh - 24px));overflow:hidden}
section:focus{outline:none}
header{display:flex;align-items:center;gap:8px;padding:10px 12px;border-bottom:1px solid var(--line)}
h1{flex:1;margin:0;font:600 14px/1.2 system-ui,sans-serif}
h2{margin:14px 0 6px;font:600 11px/1.2 system-ui,sans-serif;letter-spacing:.06em;text-transform:uppercase;color:var(--soft)}
h2:first-child{margin-top:0}
button{font:inherit;font-size:12px;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:7px;padding:4px 9px;cursor:pointer}
button:hover{border-color:var(--soft)}
:is(button,summary,main,textarea):focus-visible{outline:2px solid var(--accent);outline-offset:1px}
.pill{padding:8px 14px;border-radius:99px;font-weight:600}
main{overflow:auto;padding:12px;flex:1}
dl{display:grid;grid-template-columns:auto 1fr;gap:3px 12px;margin:0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
.warning{margin:0 0 10px;padding:8px 10px;border-radius:8px;border:1px solid var(--bad);color:var(--bad)}
ul{list-style:none;margin:0;padding:0}
li{border-top:1px solid var(--line);padding:6px 0}
li:first-child{border-top:0}
.row{display:grid;grid-template-columns:58px 1fr auto;gap:0 8px;align-items:baseline}
time,.soft{color:var(--soft);font-variant-numeric:tabular-nums}
.name{font-weight:600;overflow-wrap:anywhere}
.tag{font-size:11px;padding:1px 7px;border-radius:99px;background:var(--card);border:1px solid var(--line);color:var(--soft);white-space:nowrap}
.under{grid-column:2/4;overflow-wrap:anywhere}
.good{color:var(--good)}.bad{color:var(--bad)}.wait{color:var(--wait)}.plain{color:var(--soft)}
summary{cursor:pointer;list-style:none}summary::-webkit-details-marker{display:none}
pre,textarea{margin:6px 0 0;padding:8px;width:100%;max-height:220px;overflow:auto;background:var(--card);color:inherit;border:1px solid var(--line);border-radius:7px;font:11px/1.4 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
textarea{height:160px}
@media(prefers-reduced-motion:no-preference){li.new{animation:in 1.2s}@keyframes in{from{background:var(--tint)}}}
`

type Child = Node | string | false | undefined
function make<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Record<string, string>, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const name in attributes) element.setAttribute(name, attributes[name]!)
  for (const child of children) if (child) element.append(child)
  return element
}

function button(text: string, label: string, press: () => void): HTMLButtonElement {
  const element = make('button', { type: 'button', 'aria-label': label, title: label }, text)
  element.addEventListener('click', safe(press))
  return element
}

const host = document.createElement('habitue-debug')
const root = host.attachShadow({ mode: 'open' })
const main = make('main', { tabindex: '0', 'aria-label': 'What the tag saw' })
const panel = make('section', { role: 'dialog', 'aria-label': 'Habitue: what the tag does on this page', tabindex: '-1' })
const opened: Record<string, boolean> = {}
const seen: Record<string, boolean> = {}
let planned = false

function pair(name: string, value: Child, tone: Tone | '' = ''): Node[] {
  return [make('dt', {}, name), make('dd', tone ? { class: tone } : {}, value)]
}

const toneOf: Record<string, Tone> = { granted: 'good', denied: 'bad', pending: 'wait' }

function item(line: Line): HTMLElement {
  const details = make(
    'details',
    {},
    make(
      'summary',
      { class: 'row' },
      make('time', {}, time(line.at)),
      make('span', { class: 'name' }, line.what),
      make('span', { class: 'tag' }, line.source),
      line.understood && make('span', { class: 'under' }, line.understood),
      make('span', { class: 'under ' + line.tone }, line.outcome)
    )
  )
  const show = (): void => {
    opened[line.id] = details.open
    if (details.open && details.children.length < 2) details.append(make('pre', {}, json(line.detail)))
  }
  details.addEventListener('toggle', show)
  if (opened[line.id]) {
    details.open = true
    show()
  }
  const entry = make('li', seen[line.id] ? {} : { class: 'new' }, details)
  seen[line.id] = true
  return entry
}

function render(): void {
  planned = false
  if (!host.isConnected) return
  const focused = root.activeElement
  const at = focused && focused.tagName === 'SUMMARY' ? Array.from(main.querySelectorAll('summary')).indexOf(focused as HTMLElement) : -1
  const place = main.scrollTop
  if (!grant) {
    main.replaceChildren(make('p', refusal ? { class: 'warning', role: 'alert' } : {}, refusal || 'Asking the server whether this link is good …'))
    return
  }
  const state = consent()
  const all = slots()
  const told = lines()
  main.replaceChildren(
    ...warnings().map((warning) => make('p', { class: 'warning', role: 'alert' }, warning)),
    make('h2', {}, 'This page'),
    make(
      'dl',
      {},
      ...pair('Server', endpoint),
      ...pair('Key', writeKey + (grant.key.name ? ' (' + grant.key.name + ')' : '')),
      ...pair('Analytics', state.analytics, toneOf[state.analytics] || 'plain'),
      ...pair('Personalization', state.personalization, toneOf[state.personalization] || 'plain'),
      ...pair('Said by', state.signals.join('; ')),
      ...pair('Link good until', time(grant.expires_at))
    ),
    make('h2', {}, 'Slots'),
    all.length
      ? make('ul', {}, ...all.map((slot) => make('li', {}, make('span', { class: 'name' }, slot.id), ' ', make('span', { class: slot.tone }, slot.outcome))))
      : make('span', { class: 'soft' }, 'none on this page'),
    make('h2', {}, 'Events, the newest first'),
    told.length ? make('ul', { role: 'log', 'aria-live': 'polite' }, ...told.map(item)) : make('span', { class: 'soft' }, 'nothing was captured yet')
  )
  main.scrollTop = place
  if (at >= 0) main.querySelectorAll('summary')[at]?.focus()
}

/** Many notes in a moment are one drawing. */
function draw(): void {
  if (!planned) setTimeout(safe(render), 60)
  planned = true
}

function copy(): void {
  const text = json(report())
  const byHand = (): void => {
    const area = make('textarea', { readonly: '', 'aria-label': 'The report as JSON' })
    area.value = text
    main.prepend(area)
    area.focus()
    area.select()
  }
  if (navigator.clipboard) navigator.clipboard.writeText(text).then(() => flash('Copied'), byHand)
  else byHand()
}

const copier = button('Copy JSON', 'Copy everything as JSON', copy)
function flash(text: string): void {
  copier.textContent = text
  setTimeout(() => (copier.textContent = 'Copy JSON'), 1500)
}

const pill = button('Habitue', 'Show what the tag does on this page', () => shrink(false))
pill.className = 'pill'

function shrink(small: boolean): void {
  panel.hidden = small
  panel.style.display = small ? 'none' : ''
  pill.style.display = small ? '' : 'none'
  ;(small ? pill : panel).focus()
  if (!small) draw()
}

function close(): void {
  host.remove()
  core.onNote = undefined
  document.removeEventListener('keydown', escape)
}

function escape(event: KeyboardEvent): void {
  if (event.key === 'Escape' && !event.defaultPrevented) close()
}

// ---- the server's view of it -------------------------------------------------------------------------------------

async function ask(batch: Told[]): Promise<Grant | undefined> {
  const response = await fetch(endpoint + '/v1/debug', {
    method: 'POST',
    credentials: 'omit',
    body: JSON.stringify({ writeKey, token, batch })
  })
  const answer = await response.json()
  if (response.ok) return answer
  refusal = (answer && answer.message) || 'The server refused this link (' + response.status + ').'
  if (answer && answer.code === 'invalid_token') refusal += ' `habitue doctor --page URL` prints a new one.'
  return undefined
}

let asking = false
/** Lets the server say what it makes of what was captured; only what may leave the page anyway. */
async function understand(): Promise<void> {
  if (asking || !grant || consent().analytics !== 'granted') return
  const fresh = core.log
    .filter(([, what, detail]) => what === 'captured' && isTold(detail) && !!detail.messageId && !understood[detail.messageId])
    .map(([, , detail]) => detail as Told)
    .slice(-20)
  if (!fresh.length) return
  asking = true
  try {
    const answer = await ask(fresh)
    fresh.forEach((event, index) => {
      const result = answer && (answer.results || []).filter((one) => one.index === index)[0]
      understood[event.messageId!] = result || { index, status: 'unknown' }
    })
    draw()
  } catch (error) {
    fresh.forEach((event, index) => (understood[event.messageId!] = { index, status: 'unknown' }))
  }
  asking = false
  setTimeout(understand, 200)
}

async function open(): Promise<void> {
  try {
    grant = await ask([])
  } catch (error) {
    refusal = endpoint + ' does not answer: the page’s policy (connect-src), a blocker or the server itself.'
  }
  copier.hidden = !grant
  draw()
  understand()
}

function show(): void {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(CSS)
  root.adoptedStyleSheets = [sheet]
  copier.hidden = true
  panel.append(
    make('header', {}, make('h1', {}, 'Habitue'), copier, button('–', 'Make it small', () => shrink(true)), button('×', 'Close (Escape)', close)),
    main
  )
  pill.style.display = 'none'
  root.append(panel, pill)
  panel.addEventListener('keydown', (event) => {
    // The page's own shortcuts are not meant.
    event.stopPropagation()
    escape(event)
  })
  document.addEventListener('keydown', escape)
  // Beside the body: no framework that draws the page anew takes it away.
  document.documentElement.append(host)
  panel.focus({ preventScroll: true })
  core.onNote = () => {
    draw()
    void understand()
  }
  // Slots change without a note of their own.
  new MutationObserver(draw).observe(document.documentElement, { subtree: true, attributeFilter: ['data-habitue'] })
  draw()
  open()
}

document.addEventListener('securitypolicyviolation', safe((event: SecurityPolicyViolationEvent) => {
  if (event.blockedURI.indexOf(new URL(endpoint).origin) !== 0) return
  violations.push({ at: Date.now(), directive: event.effectiveDirective, blocked: event.blockedURI })
  draw()
}))

if (given) safe(show)()
core._lent[0].doctor = core.doctor
core.doctor()
