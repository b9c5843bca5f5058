/** The core: reads the calls that wait, watches pages, opens the doors for the shop. */
// In this order the files pack best.
import { watchPages } from './pages'
import { all, setting } from './config'
import { build, clean, currentPage, refer } from './events'
import { after, on, safe, wrap } from './safe'
import { Limit, add, adopt, forget, release } from './queue'
import { load } from './load'
import { core, note } from './core'
import { choose, consent, forbidden, granted, pending, withdraw } from './consent'
import { announce, flush, schedule } from './delivery'
import type { Choice } from './consent'
import type { Core } from './core'
import type { Json, Sighting } from './events'

/** `t`: when the call was made, ms, if it had to wait for us. */
type Call = Iterable<unknown> & { t?: number }
type Habitue = { (...call: unknown[]): void; q?: { push(call: Call): void }; core?: Core }

const enum Wait {
  /** For other events to go with, ms. */
  Company = 250,
  /** For a page that is being built, ms. */
  Changes = 50
}

const host = window as unknown as Record<string, unknown> & { habitue?: Habitue }
const habitue: Habitue =
  host.habitue ||
  ((...call: unknown[] & { t?: number }) => {
    call.t = Date.now()
    habitue.q!.push(call)
  })
const loaded = Date.now()
let user: string | undefined
/** When the call that is being carried out was made. */
let calledAt: number | undefined

/** Takes an event in, unless nobody may know of it. */
const record = (type: Sighting['type'], fields: Json, context?: Json, at = calledAt): Sighting => {
  const event = build(type, fields, context, at)
  if (consent.analytics === 'denied') note('ignored', ['consent', event])
  else {
    note('captured', event)
    add(event)
    schedule(Wait.Company)
  }
  return event
}

const page = (name?: string, properties?: Json, at?: number): Sighting =>
  record('page', { name, properties: { ...currentPage(), search: clean(location.search), ...properties } }, undefined, at)

/** Somebody else: what the slots show was not meant for them. */
const startOver = (): void => core._clear?.()

/** The shop's doors: `habitue('track', 'Product Viewed', {…})`; the other files open some more. */
const doors = {
  __proto__: null,
  track(event: string, properties: Json = {}, context?: Json) {
    record('track', { event, properties }, context)
  },
  page,
  /** `proof`: `{user_hash}`, which the shop's backend prints into the page. */
  identify(userId: string, traits: Json = {}, proof?: Json) {
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
  /** `standing`: a consent tool's default, which counts until somebody chooses. */
  consent(choice: Choice, standing?: boolean) {
    const tell = choose(choice, standing)
    if (consent.analytics === 'denied') forget()
    takeOver()
    if (tell) announce()
    schedule(0)
  },
  /** The debug file puts its own door here. */
  doctor() {
    doors.doctor = () => {}
    load('debug', DEBUG, () => {})
  }
}

const handle = (call: Call): void => {
  safe(() => {
    const [name, ...given] = call
    const door = doors[name as 'track']
    calledAt = call.t
    if (door) door(...(given as [string]))
  })()
  calledAt = undefined
}

/** With consent: what other pages left behind, again when the lease of one that still lives may have run out. */
const takeOver = (): void => {
  if (!granted()) return
  if (adopt()) after(Limit.Lease + 1000, takeOver)
  schedule(Wait.Company)
}

const run = (leaving?: boolean): void => core._hooks.forEach((hook) => safe(hook)(leaving))

/** Once the page is parsed, and what reads it has come, or cannot be had: what the visitor said is known then. */
const open = (): void => {
  run()
  note('consent', { ...consent })
  takeOver()
  if (setting('pages') !== 'manual') {
    page(undefined, undefined, loaded)
    watchPages((referrer) => {
      refer(referrer)
      const { properties, context } = page()
      return () => {
        context.page.title = properties!.title = currentPage().title
      }
    })
  }
  // What waits was asked for before we came; from now on a push is a call.
  const waiting = habitue.q as unknown as Call[]
  habitue.q = { push: handle }
  waiting.forEach(handle)
  let planned = false
  const look = (): void => {
    planned = false
    run()
  }
  const plan = (): void => {
    if (!planned) after(Wait.Changes, look)
    planned = true
  }
  // A moment at which much is pushed, even past us.
  on(document, 'click', plan)
  new MutationObserver(plan).observe(document.documentElement, {
    childList: true,
    subtree: true,
    attributeFilter: ['data-habitue-slot', 'data-item', 'data-category']
  })
  const leave = safe(() => {
    run(true)
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
  if (forbidden && withdraw()) announce()
}

const begin = (): void => {
  load('more', MORE, open)
  if (location.hash.includes('habitue_debug=')) doors.doctor()
}

const ready = (): void => {
  // Before that the page has better things to do.
  if (document.readyState === 'loading') on(document, 'DOMContentLoaded', begin)
  else begin()
}

/** What the other files borrow. */
const lent = [doors, schedule, after, on, note, safe, setting, all, wrap] as const
export type Lent = typeof lent

safe(() => {
  // Pasted twice, it works once.
  if (habitue.core) return
  host.habitue = habitue
  habitue.core = core
  habitue.q ||= [] as Call[]
  core._lent = lent
  // A page that is only prepared is seen by nobody yet.
  if ((document as { prerendering?: boolean }).prerendering) on(document, 'prerenderingchange', ready)
  else ready()
})()
