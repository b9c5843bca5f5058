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
  _events: Sighting[]
  /** UTF-8 bytes of the events as JSON. */
  _size: number
  /** On its way to the server right now. */
  _sending?: boolean
  /** localStorage has it as it is. */
  _kept?: boolean
}

/** Inlined by the build. */
export const enum Limit {
  /** `fetch(keepalive)` and `sendBeacon` share 64 KB in flight; the envelope needs some of it. */
  BatchBytes = 58_000,
  BatchEvents = 25,
  /** The server takes no larger event. */
  EventBytes = 32_000,
  Batches = 400,
  /** Batches in storage, no more of the shop's 5 MB than 1,000 events need; the rest waits in memory. */
  Kept = 40,
  /** The server recognises an event sent again for 24 h; ms. */
  Age = 82_800_000,
  Lease = 30_000,
  /** A lease that ends later than this, ms, was written by a clock that has been put right since. */
  LongestLease = 1_000_000
}

const tab = random()
let batches: Batch[] = []
/** Starts high, so that names sort as they were made. */
let serial = 1e6
let leaseUntil = 0
let writing = false
let leaving = false

/** A logout is a batch of its own. */
export const isReset = (batch: Batch): boolean => batch._events[0]!.type === 'reset'

/** Adds an event; the storage is written once per task, however many events come in it. */
export function add(event: Sighting): void {
  // Not by a Blob: making one asks another process, and costs milliseconds.
  const size = new TextEncoder().encode(JSON.stringify(event)).length
  if (size > Limit.EventBytes) return lose('large')
  let batch = batches[batches.length - 1]
  if (
    !batch ||
    batch._sending ||
    event.type === 'reset' ||
    isReset(batch) ||
    batch._events.length >= Limit.BatchEvents ||
    batch._size + size > Limit.BatchBytes
  ) {
    if (batches.length >= Limit.Batches) return lose('full')
    batch = { name: 'q.' + tab + '.' + serial++, _events: [], _size: 0 }
    batches.push(batch)
  }
  batch._events.push(event)
  batch._size += size + 1
  batch._kept = false
  if (!writing) Promise.resolve().then(() => keep())
  writing = true
}

/** Writes what is not yet in storage, and the lease. `until`: when we mean to try again, ms. */
export function keep(until = 0): void {
  writing = false
  if (!granted()) return
  for (const batch of batches.slice(0, Limit.Kept)) {
    batch._kept = batch._kept || write(batch.name, JSON.stringify(batch._events))
  }
  leaseUntil = batches[0] && !leaving ? Math.max(until, Date.now()) + Limit.Lease : 0
  if (leaseUntil) write('t.' + tab, '' + leaseUntil)
  else remove('t.' + tab)
}

/** While the page leaves, whoever opens the next one may take over what we keep; a page that comes back has it again. */
export function release(gone: boolean): void {
  reclaim()
  leaving = gone
  keep()
}

/** After our lease ran out (a frozen tab), what is gone from the storage was taken over by another page. */
function reclaim(): void {
  if (granted() && leaseUntil < Date.now()) batches = batches.filter((batch) => !batch._kept || read(batch.name))
}

/** Takes over what other pages left. True when there is more, which its owner still looks after. */
export function adopt(): boolean {
  const now = Date.now()
  let leased = false
  const events: Sighting[] = []
  const taken: string[] = []
  for (const name of names('q.')) {
    const owner = name.split('.')[1]!
    const lease = 't.' + owner
    const until = +(read(lease) || 0)
    if (owner === tab) continue
    if (until > now && until < now + Limit.LongestLease) leased = true
    else {
      taken.push(name, lease)
      try {
        events.push(...JSON.parse(read(name)!))
      } catch (error) {
        lose('error')
      }
    }
  }
  events.sort((a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp)).forEach(add)
  keep()
  taken.forEach(remove)
  return leased
}

/** The batch to send next, or none. With `newest` the last one, so that what just happened goes with the question for offers. */
export function next(newest?: boolean): Batch | undefined {
  reclaim()
  const oldest = new Date(Date.now() - Limit.Age).toISOString()
  for (const batch of batches) {
    const young = batch._events.filter((event) => event.timestamp > oldest)
    lose('old', batch._events.length - young.length)
    batch._events = young
  }
  batches.filter((batch) => !batch._events[0]).forEach(done)
  const waiting = batches.filter((batch) => !batch._sending)
  // Nothing overtakes a logout, and a logout overtakes nothing.
  if (loggingOut()) return waiting.length < batches.length ? undefined : waiting[0]
  return waiting[newest ? waiting.length - 1 : 0]
}

/** Is a logout waiting? What is asked now must be answered to whoever comes after it. */
export function loggingOut(): boolean {
  return batches.some(isReset)
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
