/** Page views of a single-page shop, and of a page that comes back from the bfcache. */
import { after, on, wrap } from './safe'

/** Single-page shops set the title after the address. */
const enum Wait {
  Title = 50
}

/** A fragment is a place on the page, unless the shop routes by it (`#/cart`, `#!cart`). */
const place = (): string => location.href.replace(/#(?![!/]).*/, '')

/**
 * Calls `view` with the address of the page before each time the visitor sees another page, and what that returns
 * once the page has had time to set its title.
 */
export const watchPages = (view: (referrer: string) => () => void): void => {
  let last = place()
  const look = (): void => {
    const now = place()
    if (now === last) return
    const entitle = view(last)
    last = now
    after(Wait.Title, () => {
      if (now === place()) entitle()
    })
  }
  wrap(history, 'pushState', look)
  wrap(history, 'replaceState', () => {
    // What snippets strip (`?gclid=…`) makes no other page.
    if (last.startsWith(place() + '?')) last = place()
    look()
  })
  // Also fired when only the fragment changes.
  on(window, 'popstate', look)
  on(window, 'pageshow', (event) => {
    if ((event as PageTransitionEvent).persisted) view(document.referrer)
  })
}
