/** Finds the slots on the page, now and later, and fetches the script that fills them. */
import { nonce, script, slotsSource } from './config'
import type { About } from './questions'
import { after, safe } from './safe'

const SLOT = 'data-habitue-slot'
const STATE = 'data-habitue'

/** What the page is about, by the attributes of the slots, else of the body, else of the script element. */
export function aboutPage(slots: Element[]): About {
  const value = (name: string): string | undefined =>
    [...slots, document.body, script].map((element) => element && element.getAttribute('data-' + name)).find(Boolean) ||
    undefined
  return { type: value('page-type'), item_id: value('item'), category: value('category') }
}

/**
 * Looks for slots that nobody has seen yet. Each is marked: `wait` when the shop has something of its own in it that
 * a visitor would see, `room` when it is empty; later `offers`, `shop` or `empty` (see slots.ts).
 */
export let scan: () => void

/** Calls `found` with the slots there are, and again whenever the shop adds some or changes what one is about. */
export function watchSlots(found: (ids: string[], about: About) => void): void {
  let planned = false
  scan = safe(() => {
    planned = false
    const slots = Array.from(document.querySelectorAll(`[${SLOT}]:not([${STATE}])`))
    for (const slot of slots) {
      slot.setAttribute(STATE, slot.querySelector(':not(template)') || slot.textContent!.trim() ? 'wait' : 'room')
    }
    if (slots[0]) {
      found(
        slots.map((slot) => slot.getAttribute(SLOT)!),
        aboutPage(slots)
      )
    }
  })
  new MutationObserver(
    safe((changes: MutationRecord[]) => {
      for (const change of changes) if (change.attributeName) (change.target as Element).removeAttribute(STATE)
      if (!planned) after(50, scan)
      planned = true
    })
  ).observe(document.documentElement, {
    childList: true,
    subtree: true,
    attributeFilter: [SLOT, 'data-item', 'data-category']
  })
  scan()
}

type Types = { createPolicy(name: string, rules: object): { createScriptURL(url: string): string } }
let loading = false

/** Fetches the script that fills slots, from beside us, with the nonce and the integrity of our own element. */
export function loadRenderer(): void {
  if (loading) return
  loading = true
  const element = document.createElement('script')
  const types = (window as { trustedTypes?: Types }).trustedTypes
  if (nonce) element.nonce = nonce
  if (script && script.integrity) {
    element.integrity = SLOTS_INTEGRITY
    element.crossOrigin = script.crossOrigin
  }
  element.src = types ? types.createPolicy('habitue', { createScriptURL: () => slotsSource }).createScriptURL('') : slotsSource
  document.head.appendChild(element)
}
