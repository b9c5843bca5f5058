/** What the script element says: `data-*` first, then the query of its address, then the defaults. */

export const all = (selector: string, from: ParentNode = document): HTMLElement[] =>
  [...from.querySelectorAll<HTMLElement>(selector)]

const current = document.currentScript

/** `<img name="currentScript">` is not us: what stands in the page must not say where our files come from. */
export const script = (
  current?.tagName === 'SCRIPT' ? current : all('script[data-key],script[src*="s.js?key="]')[0]
) as HTMLScriptElement | null

const source = new URL(script?.src || location.href)

export const setting = (name: string): string | null => {
  return script?.getAttribute('data-' + name) ?? source.searchParams.get(name)
}

export const writeKey = setting('key') || ''

/** `…/h/s.js` came from `…/h`, and so the beacons go there. */
const address = source.origin + source.pathname
export const endpoint = setting('endpoint') || address.replace(/\/[^/]*$/, '')

/** Other files lie beside us and are named after us: a shop that renames the one renames them all. */
export const beside = address.replace(/(\.js)?$/, '-')
