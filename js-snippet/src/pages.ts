/** Page views: the first, those of a single-page shop, and those of a page that comes back from the bfcache. */

/** A fragment is a place on the page, unless the shop routes by it (`#/cart`, `#!cart`). */
function place(): string {
  return location.href.replace(/#(?![!/]).*/, '')
}

/** Calls `view` with the address of the page before, each time the visitor sees another page. */
export function watchPages(view: (referrer: string) => void): void {
  let last = place()
  const look = (): void => {
    const now = place()
    if (now === last) return
    const referrer = last
    last = now
    view(referrer)
  }
  for (const name of ['pushState', 'replaceState'] as const) {
    const original = history[name]
    history[name] = function (this: History, ...given: Parameters<History['pushState']>) {
      original.apply(this, given)
      look()
    }
  }
  addEventListener('popstate', look)
  addEventListener('hashchange', look)
  addEventListener('pageshow', (event) => {
    if (event.persisted) view(document.referrer)
  })
}
