/**
 * What waits to be sent: batches in memory and, after consent, each under a name of its own in localStorage until the
 * server has acknowledged it. A batch belongs to one tab, which says until when it looks after its own (a lease); what
 * a closed or crashed tab left behind is taken over by the next page. Two takers at once only send twice, and the ids
 * of the events make that harmless.
 */
import { granted } from './consent'
import type { Sighting } from './events'
import { random } from './random'
import { lose } from './safe'
import { names, read, remove, write } from './storage'

export interface Batch {
  name: string
  events: Sighting[]
  /** UTF-8 bytes of the events as JSON. */
  size: number
  /** On its way to the server right now. */
  sending?: boolean
  /** localStorage has it as it is. */
  kept?: boolean
}

/** `fetch(keepalive)` and `sendBeacon` share 64 KB in flight; the envelope needs some of it. */
export const MAX_BYTES = 58_000
const MAX_EVENTS = 25
/** The server takes no larger event. */
const MAX_EVENT_BYTES = 32_000
const MAX_BATCHES = 400
/** No more than this of the shop's 5 MB: 1,000 events; the rest waits in memory. */
const MAX_KEPT = 40
/** The server recognises an event sent again for 24 h. */
const MAX_AGE = 82_800_000
const LEASE = 30_000

const tab = random()
let batches: Batch[] = []
/** Starts high, so that names sort as they were made. */
let serial = 1e6
let leaseUntil = 0
let dirty = false

/** Adds an event; the storage is written once per task, however many events come in it. */
export function add(event: Sighting): void {
  const size = new Blob([JSON.stringify(event)]).size
  if (size > MAX_EVENT_BYTES) return lose('large')
  let last = batches[batches.length - 1]
  const alone = event.type === 'reset' || (last && last.events[0]!.type === 'reset')
  if (!last || last.sending || alone || last.events.length >= MAX_EVENTS || last.size + size > MAX_BYTES) {
    if (batches.length >= MAX_BATCHES) return lose('full')
    last = { name: 'q.' + tab + '.' + serial++, events: [], size: 0 }
    batches.push(last)
  }
  last.events.push(event)
  last.size += size + 1
  last.kept = false
  if (!dirty) Promise.resolve().then(() => keep())
  dirty = true
}

/** Writes what is not yet in storage, and the lease. `until`: when we mean to try again, ms. */
export function keep(until = 0): void {
  dirty = false
  if (!granted()) return
  for (const batch of batches.slice(0, MAX_KEPT)) {
    batch.kept = batch.kept || write(batch.name, JSON.stringify(batch.events))
  }
  leaseUntil = batches.length ? Math.max(until, Date.now()) + LEASE : 0
  if (leaseUntil) write('t.' + tab, '' + leaseUntil)
  else remove('t.' + tab)
}

/** Lets go: whoever opens the next page may take over what we keep. */
export function release(): void {
  keep()
  remove('t.' + tab)
  leaseUntil = 0
}

/** After our lease ran out (a frozen tab), what is gone from the storage was taken over by another page. */
function reclaim(): void {
  if (granted() && leaseUntil < Date.now()) batches = batches.filter((batch) => !batch.kept || read(batch.name))
}

/** Takes over what other pages left. Returns when the next lease of theirs ends, ms; 0 when there is none. */
export function adopt(): number {
  const now = Date.now()
  let next = 0
  const events: Sighting[] = []
  const taken: string[] = []
  for (const name of names().sort()) {
    const [kind, owner] = name.split('.')
    if (kind === 'consent' || kind === 'nonce' || owner === tab) continue
    const until = +(read('t.' + owner) || 0)
    // A lease that ends absurdly late was written by a clock that has been put right since.
    if (until > now && until < now + 1_000_000) next = next ? Math.min(next, until) : until
    else {
      taken.push(name)
      if (kind === 'q') {
        try {
          events.push(...JSON.parse(read(name) || '[]'))
        } catch (error) {
          lose('error')
        }
      }
    }
  }
  events.sort((a, b) => (a.timestamp < b.timestamp ? -1 : +(a.timestamp > b.timestamp))).forEach(add)
  if (events.length) keep()
  taken.forEach(remove)
  return next
}

/** The batch to send next, or none. With `newest` the last one, so that what just happened goes with the question for offers. */
export function next(newest: boolean): Batch | undefined {
  reclaim()
  const oldest = new Date(Date.now() - MAX_AGE).toISOString()
  for (const batch of batches.slice()) {
    const young = batch.events.filter((event) => event.timestamp > oldest)
    if (young.length < batch.events.length) {
      lose('old', batch.events.length - young.length)
      batch.events = young
      batch.kept = false
      if (!young.length) done(batch)
    }
  }
  const waiting = batches.filter((batch) => !batch.sending)
  // Nothing overtakes a logout, and a logout overtakes nothing.
  if (loggingOut()) return waiting.length < batches.length ? undefined : waiting[0]
  return waiting[newest ? waiting.length - 1 : 0]
}

/** Is a logout waiting? What is asked now must be answered to whoever comes after it. */
export function loggingOut(): boolean {
  return batches.some((batch) => batch.events[0]!.type === 'reset')
}

/** Acknowledged, or given up. */
export function done(batch: Batch): void {
  batches = batches.filter((other) => other !== batch)
  remove(batch.name)
}

/** Consent was refused or withdrawn. */
export function forget(): void {
  batches = []
}
