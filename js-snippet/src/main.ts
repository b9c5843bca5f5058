/** The core: reads the calls that wait, watches pages and slots, opens the doors for the shop. */
import { setting } from './config'
import { choose, consent, granted, pending, withdraw } from './consent'
import type { Choice } from './consent'
import { announce, flush, schedule } from './delivery'
import { build, currentPage, refer } from './events'
import type { Json, Sighting } from './events'
import { aboutPage, loadRenderer, scan, watchSlots } from './finder'
import { watchPages } from './pages'
import { ask, forgetAnswers, onAnswers, waitNoLonger } from './questions'
import type { About, Answers } from './questions'
import { Limit, add, adopt, forget, release } from './queue'
import { after, on, safe } from './safe'

/** `t`: when the call was made, ms, if it had to wait for us. */
type Call = Iterable<unknown> & { t?: number }
type Listener = (answers: Answers) => void
export type Template = (offer: object, slot: HTMLElement) => Node | string

/** What the core lends to the script that fills the slots. */
export interface Core {
  templates: Record<string, Template>
  track: (name: string, properties: Json) => void
  onAnswers: (listener: Listener) => void
  safe: typeof safe
  /** Set by that script: slots were found. */
  found?: () => void
  /** Set by that script: what the slots show was meant for somebody else. */
  clear?: () => void
}

type Habitue = { (...call: unknown[]): void; q?: { push(call: Call): void } | Call[]; core?: Core }

const enum Wait {
  /** For a consent tool to speak, before slots ask for what anybody may see, ms. */
  Consent = 500,
  /** For other events to go with, ms. */
  Company = 250
}

const host = window as unknown as { habitue?: Habitue }
const habitue: Habitue =
  host.habitue ||
  function () {
    handle(arguments)
  }
const core: Core = { templates: {}, track, onAnswers, safe }
const loaded = Date.now()
let user: string | undefined
/** When the call that is being carried out was made. */
let calledAt: number | undefined

/** Takes an event in, unless nobody may know of it. */
function record(type: Sighting['type'], fields: Json, context?: Json, at = calledAt): void {
  if (consent.analytics === 'denied') return
  add(build(type, fields, at, context))
  schedule(Wait.Company)
}

function track(event: string, properties: Json = {}): void {
  record('track', { event, properties })
}

function page(name?: string, properties?: Json, at?: number): void {
  record('page', { name, properties: { ...currentPage(), search: location.search, ...properties } }, undefined, at)
}

/** What else turns up in the next moment goes in the same request. */
function askFor(ids: string[], about: About): void {
  ask(ids, about)
  schedule(20)
  after(Wait.Consent, () => {
    waitNoLonger()
    schedule(0)
  })
}

/** Somebody else: what the slots show was not meant for them. */
function startOver(): void {
  forgetAnswers()
  if (core.clear) core.clear()
  scan()
}

/** The shop's doors: `habitue('track', 'Product Viewed', {…})`. */
const doors: Record<string, (...given: never[]) => void> = {
  track,
  page,
  /** `proof`: `{user_hash}`, which the shop's backend prints into the page. */
  identify(userId: string, traits: Json = {}, proof?: { user_hash?: string }) {
    record('identify', { userId, traits }, proof)
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
  consent(choice: Choice) {
    const tell = choose(choice)
    if (consent.analytics === 'denied') forget()
    takeOver()
    if (tell) announce()
    schedule(0)
  },
  /** `(listener)`, or `(ids, listener?, about?)` for slots that are no elements. */
  slots(ids: string[] | Listener, listener?: Listener, about?: About) {
    const heard = Array.isArray(ids) ? listener : ids
    if (heard) onAnswers(heard)
    if (Array.isArray(ids)) askFor(ids, { ...aboutPage([]), ...about })
  },
  template(slot: string, template: Template) {
    core.templates[slot] = template
  }
}

function handle(call: Call): void {
  safe(() => {
    const [door, ...given] = call
    calledAt = call.t
    if (doors.hasOwnProperty(door as string)) doors[door as string]!(...(given as never[]))
  })()
  calledAt = undefined
}

/** With consent: what other pages left behind, again when the lease of one that still lives may have run out. */
function takeOver(): void {
  if (!granted()) return
  if (adopt()) after(Limit.Lease + 1000, takeOver)
  schedule(Wait.Company)
}

/** Once the page is parsed: before that it has better things to do. */
function open(): void {
  takeOver()
  let tell = (): void => {}
  if (setting('pages') !== 'manual') {
    page(undefined, undefined, loaded)
    tell = watchPages((at, referrer) => {
      refer(referrer)
      page(undefined, undefined, at)
    })
  }
  watchSlots((ids, about) => {
    askFor(ids, about)
    if (core.found) core.found()
    loadRenderer()
  })
  // What waits was asked for before we came; from now on a push is a call.
  const waiting = (habitue.q || []) as Call[]
  habitue.q = { push: handle }
  waiting.forEach(handle)
  const leave = safe(() => {
    tell()
    flush(true)
  })
  on(document, 'visibilitychange', () => {
    if (document.hidden) leave()
  })
  // No `unload`: it would keep the page out of the bfcache. https://web.dev/articles/bfcache
  on(window, 'pagehide', () => {
    leave()
    release(true)
  })
  on(window, 'pageshow', () => {
    release(false)
    schedule(Wait.Company)
  })
  // A browser that has come to refuse since it agreed.
  if (withdraw()) announce()
}

function ready(): void {
  if (document.readyState === 'loading') on(document, 'DOMContentLoaded', open)
  else open()
}

safe(() => {
  // Pasted twice, it works once.
  if (habitue.core) return
  host.habitue = habitue
  habitue.core = core
  // A page that is only prepared is seen by nobody yet.
  if ((document as { prerendering?: boolean }).prerendering) on(document, 'prerenderingchange', ready)
  else ready()
})()
