/** Finds the slots on the page, now and later, and fetches the script that fills them. */
import { nonce, script, slotsSource } from './config'
import type { About } from './questions'
import { safe } from './safe'

const SLOT = 'data-habitue-slot'

/** Anything of the shop's own in there that a visitor would see? */
function furnished(slot: HTMLElement): boolean {
  return Array.from(slot.childNodes).some(
    (node) => (node.nodeType === 1 && node.nodeName !== 'TEMPLATE') || (node.nodeType === 3 && !!node.textContent!.trim())
  )
}

/** What the page is about, by the attributes of the slots, else of the body, else of the script element. */
export function aboutPage(slots: Element[]): About {
  const value = (name: string): string | undefined => {
    for (const element of [...slots, document.body, script]) {
      const found = element && element.getAttribute('data-' + name)
      if (found) return found
    }
    return undefined
  }
  return { type: value('page-type'), item_id: value('item'), category: value('category') }
}

let found: (slots: HTMLElement[]) => void = () => {}

/**
 * Looks for slots that nobody has seen yet. Each is marked: `wait` when the shop has something of its own in it,
 * `room` when it is empty; later `offers`, `shop` or `empty` (see slots.ts).
 */
export function scan(): void {
  const slots = Array.from(document.querySelectorAll<HTMLElement>(`[${SLOT}]:not([data-habitue])`))
  if (!slots.length) return
  for (const slot of slots) slot.setAttribute('data-habitue', furnished(slot) ? 'wait' : 'room')
  found(slots)
}

/** Calls `whenFound` with the slots there are, and again whenever the shop adds some or changes what one is about. */
export function watchSlots(whenFound: (slots: HTMLElement[]) => void): void {
  found = whenFound
  let timer: ReturnType<typeof setTimeout> | undefined
  const later = (): void => {
    timer = timer || setTimeout(look, 50)
  }
  const look = safe(() => {
    timer = undefined
    scan()
  })
  new MutationObserver(
    safe((changes: MutationRecord[]) => {
      for (const change of changes) {
        if (change.attributeName) (change.target as Element).removeAttribute('data-habitue')
      }
      later()
    })
  ).observe(document.documentElement, {
    childList: true,
    subtree: true,
    attributeFilter: [SLOT, 'data-item', 'data-category']
  })
  scan()
}

let loading = false

/** Fetches the script that fills slots, from beside us, with the nonce and the integrity of our own element. */
export function loadRenderer(): void {
  if (loading) return
  loading = true
  const element = document.createElement('script')
  const types = (window as { trustedTypes?: { createPolicy(name: string, rules: object): { createScriptURL(url: string): string } } })
    .trustedTypes
  element.async = true
  if (nonce) element.nonce = nonce
  if (script && script.crossOrigin !== null) element.crossOrigin = script.crossOrigin
  if (script && script.integrity) element.integrity = SLOTS_INTEGRITY
  element.src = types ? types.createPolicy('habitue', { createScriptURL: () => slotsSource }).createScriptURL('') : slotsSource
  document.head.appendChild(element)
}
