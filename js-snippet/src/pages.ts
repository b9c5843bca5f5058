/** Page views of a single-page shop, and of a page that comes back from the bfcache. */
import { after, on, safe } from './safe'

/** Single-page shops set the title after the address. */
const enum Wait {
  Title = 50
}

/** A fragment is a place on the page, unless the shop routes by it (`#/cart`, `#!cart`). */
function place(): string {
  return location.href.replace(/#(?![!/]).*/, '')
}

/**
 * Calls `view` with when it happened and the address of the page before, each time the visitor sees another page.
 * Returns what tells a view that still waits for its title: to be called when the page leaves.
 */
export function watchPages(view: (at: number, referrer: string) => void): () => void {
  let last = place()
  let changedAt = 0
  let referrer: string
  const tell = safe(() => {
    const at = changedAt
    changedAt = 0
    if (at) view(at, referrer)
  })
  const look = (): void => {
    const now = place()
    if (now === last) return
    referrer = last
    last = now
    changedAt = Date.now()
    after(Wait.Title, tell)
  }
  for (const name of ['pushState', 'replaceState'] as const) {
    const original = history[name]
    history[name] = function (this: History, ...given: Parameters<History['pushState']>) {
      tell()
      original.apply(this, given)
      look()
    }
  }
  // Also fired when only the fragment changes.
  on(window, 'popstate', look)
  on(window, 'pageshow', (event) => {
    if ((event as PageTransitionEvent).persisted) view(Date.now(), document.referrer)
  })
  return tell
}
