/** What the script element says: `data-*` first, then the query of its address, then the defaults. */

export const script = (document.currentScript || document.querySelector('script[data-key]')) as HTMLScriptElement | null

const source = new URL((script && script.src) || location.href)

export function setting(name: string): string | null {
  return (script && script.getAttribute('data-' + name)) || source.searchParams.get(name)
}

export const writeKey = setting('key') || ''

/** `…/h/s.js` came from `…/h`, and so the beacons go there. */
export const endpoint = setting('endpoint') || source.origin + source.pathname.replace(/\/[^/]*$/, '')

/** Beside us and named after us, so that a shop that renames the one renames the other. */
export const slotsSource = source.origin + source.pathname.replace(/(\.js)?$/, '-slots.js') + '?' + SLOTS_INTEGRITY.slice(-9)

/** Browsers hide the attribute from scripts, not the property. */
export const nonce = (script && script.nonce) || undefined
