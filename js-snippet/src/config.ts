/** What the script element says: `data-*` first, then the query of its address, then the defaults. */

export const script = (document.currentScript || document.querySelector('script[data-key]')) as HTMLScriptElement | null

const source = new URL(script?.src || location.href)

export function setting(name: string): string | null {
  return script?.getAttribute('data-' + name) ?? source.searchParams.get(name)
}

export const writeKey = setting('key') || ''

/** `…/h/s.js` came from `…/h`, and so the beacons go there. */
export const endpoint = setting('endpoint') || source.origin + source.pathname.replace(/\/[^/]*$/, '')

/** Other files lie beside us and are named after us: a shop that renames the one renames them all. */
export const beside = source.origin + source.pathname.replace(/(\.js)?$/, '-')
