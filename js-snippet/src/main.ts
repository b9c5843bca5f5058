/** The core: reads the calls that wait, watches pages and slots, opens the doors for the shop. */
import { nonce, setting } from './config'
import { choose, consent, granted, pending, withdraw } from './consent'
import { announce, flush, schedule } from './delivery'
import { build, refer } from './events'
import type { Json, Sighting } from './events'
import { aboutPage, loadRenderer, scan, watchSlots } from './finder'
import { watchPages } from './pages'
import { ask, forgetAnswers, onAnswers } from './questions'
import type { About, Answers } from './questions'
import { add, adopt, forget, release } from './queue'
import { safe } from './safe'
import { ROOM, addStyle } from './style'

type Call = ArrayLike<unknown> & { t?: number }
export type Template = (offer: object, slot: HTMLElement) => Node | string

/** What the core lends to the script that fills the slots. */
export interface Core {
  nonce: string | undefined
  templates: Record<string, Template>
  track: (name: string, properties: Json) => void
  onAnswers: (listener: (answers: Answers) => void) => void
  safe: typeof safe
  style: typeof addStyle
  /** Set by that script: slots were found. */
  found?: () => void
  /** Set by that script: what the slots show was meant for somebody else. */
  clear?: () => void
}

type Habitue = { (...call: unknown[]): void; q?: { push(call: Call): void } | Call[]; core?: Core }

const host = window as unknown as { habitue?: Habitue }
const habitue: Habitue =
  host.habitue ||
  function () {
    handle(arguments)
  }
const loaded = Date.now()
const templates: Core['templates'] = {}
let user: string | undefined
/** When the call that is being carried out was made, while the tag was not there yet. */
let calledAt: number | undefined

/** Takes an event in, unless nobody may know of it. */
function record(type: Sighting['type'], fields: Json, context?: Json, at?: number): Sighting | undefined {
  if (consent.analytics === 'denied') return undefined
  const event = build(type, fields, at || calledAt, context)
  add(event)
  if (granted()) schedule(250)
  return event
}

function track(name: string, properties?: Json): void {
  record('track', { event: name, properties: properties || {} })
}

function page(name?: string, properties?: Json, at?: number): void {
  const facts = { url: location.href, path: location.pathname, search: location.search, title: document.title }
  record('page', { name, properties: Object.assign(facts, properties) }, undefined, at)
}

/** What else turns up in the next moment goes in the same request. */
function askFor(ids: string[], about: About): void {
  ask(ids, about)
  schedule(20)
}

/** Somebody else: what the slots show was not meant for them. */
function startOver(): void {
  forgetAnswers()
  const core = habitue.core!
  if (core.clear) core.clear()
  scan()
}

/** The shop's doors: `habitue('track', 'Product Viewed', {…})`. */
const doors: Record<string, (...given: never[]) => void> = {
  track,
  page,
  identify(userId: string, traits?: Json, proof?: { user_hash?: string }) {
    record('identify', { userId, traits: traits || {} }, proof && { user_hash: proof.user_hash })
    if (user && user !== userId) startOver()
    user = userId
  },
  reset() {
    user = undefined
    if (pending()) forget()
    else record('reset', {})
    startOver()
    schedule(0)
  },
  consent(choice: Parameters<typeof choose>[0]) {
    const tell = choose(choice)
    if (consent.analytics === 'denied') forget()
    if (granted()) start()
    if (tell) announce()
    else if (!pending()) schedule(0)
  },
  slots(ids: string[] | ((answers: Answers) => void), listener?: (answers: Answers) => void, about?: About) {
    const list = Array.isArray(ids) ? ids : []
    const heard = Array.isArray(ids) ? listener : ids
    if (heard) onAnswers(heard)
    if (list.length) askFor(list, Object.assign(aboutPage([]), about))
  },
  template(slot: string, template: Template) {
    templates[slot] = template
  }
}

const handle = safe((call: Call) => {
  const [door, ...given] = Array.from(call)
  calledAt = call.t
  try {
    if (Object.keys(doors).includes(door as string)) doors[door as string]!(...(given as never[]))
  } finally {
    calledAt = undefined
  }
})

/** With consent: what other pages left behind, again when the lease of a page that still lives runs out. */
function takeOver(): void {
  const later = adopt()
  schedule(250)
  if (later) setTimeout(safe(takeOver), later - Date.now() + 1000)
}

let started = false
function start(): void {
  if (started || !granted()) return
  started = true
  takeOver()
}

const open = safe(() => {
  start()
  let tell = (): void => {}
  if (setting('pages') !== 'manual') {
    page(undefined, undefined, loaded)
    tell = watchPages((at, referrer) => {
      refer(referrer)
      page(undefined, undefined, at)
    })
  }
  const waiting = (habitue.q || []) as Call[]
  habitue.q = { push: handle }
  for (const call of Array.from(waiting)) handle(call)
  watchSlots((slots) => {
    askFor(
      slots.map((slot) => slot.getAttribute('data-habitue-slot')!),
      aboutPage(slots)
    )
    loadRenderer()
    if (habitue.core!.found) habitue.core!.found()
  })
  const leave = safe(() => {
    tell()
    flush(true)
  })
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') leave()
  })
  // No `unload`: it would keep the page out of the bfcache. https://web.dev/articles/bfcache
  addEventListener('pagehide', () => {
    leave()
    safe(release)()
  })
  addEventListener('pageshow', () => schedule(250))
  // A browser that has come to refuse since it agreed.
  if (withdraw()) announce()
})

safe(() => {
  if (habitue.core) return
  host.habitue = habitue
  habitue.core = { nonce, templates, track, onAnswers, safe, style: addStyle }
  if (!habitue.q) addStyle(ROOM, nonce)
  const ready = (): void => {
    if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', open)
    else open()
  }
  if ((document as { prerendering?: boolean }).prerendering) {
    document.addEventListener('prerenderingchange', ready, { once: true })
  } else ready()
})()
