/**
 * The line a shop pastes before the tag: calls wait in a queue until the tag is there, slots have their room before
 * the first paint, and what the shop wrote inside them does not flash up for the moment until offers come.
 */
import { ROOM, addStyle } from './style'

type Queue = { (...call: unknown[]): void; q?: unknown[] }
const host = window as unknown as { habitue?: Queue }

if (!host.habitue) {
  const queue: Queue = (...call: unknown[] & { t?: number }) => {
    call.t = Date.now()
    ;(queue.q ||= []).push(call)
  }
  host.habitue = queue
  try {
    const sheet = addStyle(
      ':where([data-habitue-slot]:not([data-habitue]),[data-habitue=wait]){visibility:hidden}' + ROOM
    )
    // Whatever becomes of the tag, the shop's own content shows after this.
    setTimeout(() => sheet.deleteRule(0), 1500)
  } catch {
    // Then slots have their room when the tag comes.
  }
}
