/**
 * What waits to be sent: in memory and, after consent, in localStorage until the server has acknowledged it, under the
 * name of the tab. A tab says until when it looks after its own (a lease); what a closed or crashed one left behind is
 * taken over by the next page. Two takers at once only send twice, and the ids of the events make that harmless.
 */
import { granted } from './consent'
import type { Sighting } from './events'
import { random } from './random'
import { lose, safe } from './safe'
import { names, read, remove, write } from './storage'

/** Inlined by the build. */
export const enum Limit {
  /** `fetch(keepalive)` and `sendBeacon` share 64 KB in flight; the envelope needs some of it. */
  BatchBytes = 58_000,
  BatchEvents = 25,
  /** The server takes no larger event. */
  EventBytes = 32_000,
  Events = 10_000,
  /** Events in storage, so that most of the shop's 5 MB stays its own; the rest waits in memory. */
  Kept = 1_000,
  /** The server recognises an event sent again for 24 h; ms. */
  Age = 82_800_000,
  Lease = 30_000,
  /** A lease that ends later than this, ms, was written by a clock that has been put right since. */
  LongestLease = 1_000_000
}

const tab = random()
const OURS = 'q.' + tab
let events: Sighting[] = []
/** Those that localStorage has. */
let kept: Sighting[] = []
/** Those that are on their way to the server right now. */
export const flying = new Set<Sighting>()
let leaseUntil = 0
let writing = false
let leaving = false

export const isReset = (event?: Sighting): boolean => event?.type === 'reset'

/** UTF-8 bytes. Not by a Blob: making one asks another process, and costs milliseconds. */
const size = (event: Sighting): number => new TextEncoder().encode(JSON.stringify(event)).length

/** Adds an event; the storage is written once per task, however many events come in it. */
export const add = (event: Sighting): void => {
  if (size(event) > Limit.EventBytes) lose('large')
  else if (events.length >= Limit.Events) lose('full')
  else {
    events.push(event)
    if (!writing) queueMicrotask(keep)
    writing = true
  }
}

/** Writes what waits to the storage, and the lease. `until`: when we mean to try again, ms. */
export const keep = (until = 0): void => {
  writing = false
  if (!granted()) return
  kept = events.slice(0, Limit.Kept)
  leaseUntil = leaving ? 0 : Math.max(until, Date.now()) + Limit.Lease
  if (!kept[0]) remove(OURS)
  else if (!write(OURS, JSON.stringify([leaseUntil, ...kept]))) kept = []
}

/** While the page leaves, whoever opens the next one may take over what we keep; a page that comes back has it again. */
export const release = (gone: boolean): void => {
  reclaim()
  leaving = gone
  keep()
}

/** After our lease ran out (a frozen tab), what is gone from the storage was taken over by another page. */
const reclaim = (): void => {
  if (granted() && leaseUntil < Date.now() && !read(OURS)) done(kept)
}

/** Takes over what other pages left. True when there is more, which its owner still looks after. */
export const adopt = (): unknown => {
  const now = Date.now()
  let leased: unknown
  const found: Sighting[] = []
  const taken: string[] = []
  names().forEach(
    safe((name) => {
      if (!/^q\./.test(name) || name === OURS) return
      taken.push(name)
      const left = JSON.parse(read(name)!)
      if (left[0] > now && left[0] < now + Limit.LongestLease) leased = taken.pop()
      else found.push(...left.filter((event: Sighting) => event.type))
    })
  )
  found.sort((a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp)).forEach(add)
  keep()
  taken.forEach(remove)
  return leased
}

/**
 * The events to send next, of at most `room` bytes. With `newest` the last ones, so that what just happened goes with
 * the question for offers.
 */
export const next = (newest?: boolean, room: number = Limit.BatchBytes): Sighting[] => {
  reclaim()
  const oldest = Date.now() - Limit.Age
  events = events.filter((event) => Date.parse(event.timestamp) > oldest || lose('old'))
  // Nothing overtakes a logout, and a logout overtakes nothing.
  const logout = events.findIndex(isReset)
  if (!logout) return flying.size ? [] : [events[0]!]
  const free = events.filter((event, index) => !flying.has(event) && (logout < 0 || index < logout))
  return free
    .slice(newest ? -Limit.BatchEvents : 0)
    .slice(0, Limit.BatchEvents)
    .filter((event) => (room -= size(event)) > 0)
}

/** Is a logout waiting? What is asked now must be answered to whoever comes after it. */
export const loggingOut = (): boolean => events.some(isReset)

/** Acknowledged, or taken over. */
export const done = (some: Sighting[]): void => {
  events = events.filter((event) => !some.includes(event))
}

/** Consent was refused or withdrawn. */
export const forget = (): void => {
  events = []
}
