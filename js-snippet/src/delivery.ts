/** When what goes to the server: one request at a time, growing pauses while it refuses, all that fits when the page leaves. */
import { writeKey } from './config'
import { consent, granted, pending } from './consent'
import { core, note } from './core'
import { currentPage } from './events'
import type { Answers } from './questions'
import type { Sighting } from './events'
import { Limit, done, flying, isReset, keep, loggingOut, next } from './queue'
import { random } from './random'
import { after, lose, takeLosses } from './safe'
import type { Loss } from './safe'
import { post } from './send'
import { read, remove, write } from './storage'

const enum Pause {
  /** Between two requests of a backlog, ms. */
  Backlog = 50,
  Longest = 300_000
}

let timer: ReturnType<typeof setTimeout> | undefined
let due = 0
let failures = 0
let blockedUntil = 0
let bytesInFlight = 0
let notice = false
let nonce: string | undefined = random()

/** Sends in `delay` ms, or earlier when that was already planned, or later when the server asked for a pause. */
export const schedule = (delay: number): void => {
  const now = Date.now()
  const at = Math.max(now + delay, blockedUntil)
  if (due && due <= at) return
  clearTimeout(timer)
  due = at
  timer = after(at - now, flush)
}

/** The server has to hear that consent changed, even when nothing else is to be said. */
export const announce = (): void => {
  notice = true
  // Whoever consents after a withdrawal is somebody new.
  if (!granted()) nonce = random()
  schedule(0)
}

/** The slots to ask for now. */
const open = (): string[] => (core._held && pending() ? [] : [...core._wanted])

export const flush = (leaving?: boolean): void => {
  if (leaving && Date.now() < blockedUntil) return
  clearTimeout(timer)
  due = 0
  do {
    if (bytesInFlight && !leaving) return
    const slots = leaving || loggingOut() ? [] : open()
    const events = granted() ? next(!!slots[0], Limit.BatchBytes - bytesInFlight) : []
    if (!events[0] && !slots[0] && !notice) return
    dispatch(events, slots, leaving).catch(() => lose('error'))
  } while (leaving)
}

const dispatch = async (events: Sighting[], slots: string[], leaving?: boolean): Promise<void> => {
  const reset = isReset(events[0])
  const told = notice
  const may = granted()
  const lost = may ? takeLosses() : undefined
  if (may && nonce) {
    // The next page may open before the first answer is here; it has to be the same visitor.
    nonce = read('nonce') || nonce
    write('nonce', nonce)
  }
  // Without consent nothing but the question and the refusal themselves; JSON leaves out what is undefined.
  const body = JSON.stringify(
    reset
      ? { writeKey, context: { consent } }
      : {
          writeKey,
          sentAt: new Date(),
          nonce: may ? nonce : undefined,
          context: { consent, page: may ? currentPage() : undefined, lost },
          batch: events,
          ...(slots[0] && { slots, page: core._about })
        }
  )
  notice = false
  bytesInFlight += body.length
  events.forEach((event) => flying.add(event))
  keep()
  const answer = await post(reset ? 'reset' : slots[0] ? 'context' : 'batch', body, may || told, leaving)
  bytesInFlight -= body.length
  events.forEach((event) => flying.delete(event))
  const refused = typeof answer === 'number'
  note(refused ? 'refused' : 'sent', { events, slots, answer })
  if (refused) {
    notice ||= told
    for (const why in lost) lose(why as Loss, lost![why as Loss])
    blockedUntil =
      Date.now() + Math.max(Math.min(1000 * 3 ** failures++, Pause.Longest) * (0.5 + Math.random() / 2), answer)
    keep(blockedUntil)
    schedule(0)
    return
  }
  failures = 0
  done(events)
  if (granted()) {
    nonce = undefined
    remove('nonce')
  }
  keep()
  slots.forEach((id) => core._wanted.delete(id))
  if (next()[0] || open()[0] || notice) schedule(Pause.Backlog)
  document.dispatchEvent(new CustomEvent('habitue:sent', { detail: { events, answer } }))
  if (slots[0]) core._answered?.(answer.slots as Answers)
}
