/** Fetches another of our files from beside us, with the nonce and the integrity of our own element. */
import { beside, script } from './config'
import { safe } from './safe'

type Policy = { createScriptURL(url: string): string }
type Host = { trustedTypes?: { createPolicy(name: string, rules: Policy): Policy } }

let policy: Policy | undefined

/** `then` is called when the file has run or cannot be had. With the digest in the address no cache gives a stale one. */
export const load = (name: string, digest: string, then: () => void): void => {
  const url = `${beside}${name}.js?${digest.slice(-9)}`
  const element = document.createElement('script')
  element.onload = element.onerror = safe(then)
  // Browsers hide the attribute from scripts, not the property.
  if (script?.nonce) element.nonce = script.nonce
  if (script?.integrity) {
    element.integrity = 'sha256-' + digest
    element.crossOrigin = script.crossOrigin
  }
  try {
    const rules = { createScriptURL: (url: string) => url }
    policy ||= (window as Host).trustedTypes?.createPolicy('habitue', rules) || rules
    element.src = policy.createScriptURL(url)
    document.head.append(element)
  } catch {
    // A page that allows no policy of ours gets the core alone.
    safe(then)()
  }
}
