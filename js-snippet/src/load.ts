/** Fetches another of our files from beside us, with the nonce and the integrity of our own element. */
import { beside, script } from './config'
import { safe } from './safe'

type Policy = { createScriptURL(url: string): string }

let policy: Policy | undefined

/** `then` is called when the file has run or cannot be had. With the digest in the address no cache gives a stale one. */
export const load = (name: string, digest: string, then = (): void => {}): void => {
  const url = `${beside}${name}.js?${digest.slice(-9)}`
  const element = document.createElement('script')
  const types = (window as { trustedTypes?: { createPolicy(name: string, rules: object): Policy } }).trustedTypes
  element.onload = element.onerror = safe(then)
  // Browsers hide the attribute from scripts, not the property.
  if (script?.nonce) element.nonce = script.nonce
  if (script?.integrity) {
    element.integrity = 'sha256-' + digest
    element.crossOrigin = script.crossOrigin
  }
  try {
    policy ||= types?.createPolicy('habitue', { createScriptURL: (url: string) => url })
    element.src = policy ? policy.createScriptURL(url) : url
    document.head.append(element)
  } catch {
    // A page that allows no policy of ours gets the core alone.
    safe(then)()
  }
}
