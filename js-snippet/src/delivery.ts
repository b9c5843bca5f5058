/** When what goes to the server: one request at a time, growing pauses while it refuses, all that fits when the page leaves. */
import { writeKey } from './config'
import { consent, granted } from './consent'
import { currentPage } from './events'
import { about, answered, heldFor, open } from './questions'
import type { Answers } from './questions'
import { MAX_BYTES, done, keep, loggingOut, next } from './queue'
import type { Batch } from './queue'
import { random } from './random'
import { lose, safe, takeLosses } from './safe'
import type { Loss } from './safe'
import { post } from './send'
import type { Answer, Refused } from './send'
import { read, remove, write } from './storage'

/** Between two requests of a backlog, ms. */
const GAP = 50
const LONGEST_PAUSE = 300_000

let timer: ReturnType<typeof setTimeout> | undefined
let due = 0
let failures = 0
let blockedUntil = 0
let flights = 0
let bytesInFlight = 0
let notice = false
let nonce: string | undefined = random()

/** Sends in `delay` ms, or earlier when that was already planned, or later when the server asked for a pause. */
export function schedule(delay: number): void {
  const now = Date.now()
  const at = Math.max(now + delay, blockedUntil)
  if (due && due <= at) return
  clearTimeout(timer)
  due = at
  timer = setTimeout(safe(flush), at - now)
}

/** The server has to hear that consent changed, even when nothing else is to be said. */
export function announce(): void {
  notice = true
  // Whoever consents after a withdrawal is somebody new.
  if (!granted()) nonce = random()
  schedule(0)
}

export function flush(leaving?: boolean): void {
  clearTimeout(timer)
  due = 0
  if (Date.now() < blockedUntil) {
    if (!leaving) schedule(0)
    return
  }
  do {
    if (flights && !leaving) return
    const slots = leaving || loggingOut() ? [] : open()
    const batch = granted() ? next(slots.length > 0) : undefined
    if (!batch && !slots.length && !notice) return heldFor() ? schedule(heldFor()) : undefined
    if (leaving && batch && bytesInFlight + batch.size > MAX_BYTES) return
    dispatch(batch, slots, leaving)
  } while (leaving)
}

function dispatch(batch: Batch | undefined, slots: string[], leaving?: boolean): void {
  const events = batch ? batch.events : []
  const reset = batch && events[0]!.type === 'reset'
  const told = notice
  const losses = granted() ? takeLosses() : undefined
  const size = batch ? batch.size : 0
  const body = reset ? { writeKey } : envelope(events, slots, losses)
  notice = false
  flights++
  bytesInFlight += size
  if (batch) batch.sending = true
  keep()
  const landed = (): void => {
    flights--
    bytesInFlight -= size
    if (batch) batch.sending = false
  }
  post(
    reset ? 'reset' : slots.length ? 'context' : 'batch',
    JSON.stringify(body),
    granted() || told,
    !!leaving
  ).then(
    safe((answer: Answer) => {
      landed()
      failures = 0
      if (batch) done(batch)
      if (granted() && nonce) {
        nonce = undefined
        remove('nonce')
      }
      keep()
      if (next(false) || open().length || notice) schedule(GAP)
      document.dispatchEvent(new CustomEvent('habitue:sent', { detail: { events, answer } }))
      if (slots.length) answered(slots, (answer.slots || {}) as Answers)
    }),
    safe((refused: Refused) => {
      landed()
      notice = notice || told
      for (const why in losses) lose(why as Loss, losses[why as Loss])
      const pause = Math.min(1000 * 3 ** failures++, LONGEST_PAUSE) * (0.5 + Math.random() / 2)
      blockedUntil = Date.now() + Math.max(pause, refused.pause)
      keep(blockedUntil)
      schedule(0)
    })
  )
}

/** Without consent nothing but the question and the refusal themselves. */
function envelope(batch: Batch['events'], slots: string[], lost: ReturnType<typeof takeLosses>): object {
  const asked = slots.length ? { slots, page: about } : {}
  const sentAt = new Date().toISOString()
  if (!granted()) return { writeKey, sentAt, context: { consent }, batch, ...asked }
  if (nonce) {
    // The next page may open before the first answer is here; it has to be the same visitor.
    nonce = read('nonce') || nonce
    write('nonce', nonce)
  }
  return {
    writeKey,
    sentAt,
    nonce,
    context: {
      consent,
      page: currentPage(),
      locale: navigator.language,
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      screen: { width: screen.width, height: screen.height, density: devicePixelRatio },
      library: { name: 'habitue', version: VERSION },
      lost
    },
    batch,
    ...asked
  }
}
