/** Finds the slots on the page, asks for offers and puts them in. */
import type { Template } from './core'
import type { About, Answers, Offer, SlotAnswer } from './questions'
import { after, all, core, doors, note, on, open, safe, schedule, setting } from './lent'
import type { Any } from './lent'
import { ROOM, addStyle } from './style'

/**
 * A slot's `data-habitue`: `wait` (the shop's own content, hidden until offers come or the deadline passes), `room`
 * (nothing in it, a skeleton keeps the place), `offers`, `shop` (its own content stayed), `empty` (nothing came).
 *
 * Every card has the same height, whatever is in it, and so the row has the height that was kept for it: nothing on
 * the page moves. All colours come from the shop's text and a see-through grey, so dark pages need nothing.
 */
const CSS = `
:where([data-habitue=wait]){visibility:hidden}
:where([data-habitue=room]){background:repeating-linear-gradient(90deg,var(--habitue-skeleton,rgba(128,128,128,.15)) 0 var(--habitue-card,10em),transparent 0 calc(var(--habitue-card,10em) + var(--habitue-gap,1em))) 0 0/100% var(--habitue-card,10em) no-repeat}
:where([data-habitue=empty]){min-height:0}
:where(.habitue-row){display:flex;gap:var(--habitue-gap,1em);box-sizing:border-box;height:var(--habitue-height,calc(var(--habitue-card,10em) + 9em));overflow:auto hidden;scrollbar-width:thin;scroll-snap-type:x proximity}
:where(.habitue-row>*){flex:0 0 var(--habitue-card,10em);scroll-snap-align:start}
:where(.habitue-card){display:block;color:inherit;text-decoration:none;line-height:1.3}
:where(.habitue-card:hover .habitue-name){text-decoration:underline}
:where(.habitue-image){display:block;width:100%;height:var(--habitue-card,10em);object-fit:contain;border-radius:var(--habitue-radius,.5em);background:var(--habitue-skeleton,rgba(128,128,128,.15))}
:where(.habitue-name,.habitue-reason){display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden;height:2.6em;margin-top:.3em}
:where(.habitue-price){display:block;height:1.3em;font-weight:700;overflow:hidden}
:where(.habitue-reason){-webkit-line-clamp:3;height:3.9em;font-size:.85em;opacity:var(--habitue-reason,.75)}
`

/** For a consent tool to speak, before slots ask for what anybody may see, ms. */
const PATIENCE = 500

let answers: Answers = {}
const listeners: ((answers: Answers) => void)[] = []
const templates: Record<string, Template> = {}

/** What each slot was asked for. */
let asked = new WeakMap<HTMLElement, string>()
/** What the shop had inside a slot. */
const own = new WeakMap<HTMLElement, Node[]>()
const seen = new Set<string>()

/** What the page is about, by the attributes of the slots, else of the body, else of the script element. */
function about(slots: HTMLElement[]): About {
  const value = (name: string): string | undefined =>
    [...slots, document.body].map((element) => element.getAttribute('data-' + name)).find(Boolean) ||
    setting(name) ||
    undefined
  return { type: value('page-type'), item_id: value('item'), category: value('category') }
}

/** What else turns up in the next moment goes in the same request. */
function ask(ids: string[], page: About): void {
  note('slot', ids)
  core._wanted.push(...ids.filter((id) => !core._wanted.includes(id)))
  core._about = page
  schedule(20)
  after(PATIENCE, () => {
    core._held = false
    schedule(0)
  })
}

/** Nothing but the web: a `javascript:` or `data:` address is no address. */
function address(url: Any): string {
  try {
    const { href, protocol } = new URL(url, document.baseURI)
    return url && /^https?:/.test(protocol) ? href : ''
  } catch {
    return ''
  }
}

/** One for each currency: making one costs a hundred times as much as using it. */
const formats: Record<string, Intl.NumberFormat> = {}

function price({ price, currency = '' }: Offer): string {
  if (typeof price !== 'number') return ''
  try {
    return (formats[currency] ||= new Intl.NumberFormat(
      document.documentElement.lang || undefined,
      currency ? { style: 'currency', currency } : {}
    )).format(price)
  } catch {
    return price + ' ' + currency
  }
}

/** Text is set as text, addresses only where they are ones. */
function set(element: Any, field: string, offer: Any): void {
  if (field === 'url') {
    const url = address(offer.url)
    if (url) element.setAttribute('href', url)
  } else if (field === 'image') {
    element.loading = 'lazy'
    element.decoding = 'async'
    element.removeAttribute('src')
    const source = address(offer.image_url)
    if (source) element.src = source
  } else element.textContent = (field === 'price' ? price(offer) : field === 'reason' ? offer.reasons?.[0]?.text : offer[field]) ?? ''
}

function make(tag: string, name: string): HTMLElement {
  const made = document.createElement(tag)
  made.className = 'habitue-' + name
  return made
}

/** The card that every shop gets without doing anything. */
function card(offer: Offer): HTMLElement {
  const made = make('a', 'card')
  set(made, 'url', offer)
  for (const field of ['image', 'name', 'price', 'reason']) {
    const part: Any = make(field === 'image' ? 'img' : 'span', field)
    // The name stands beside it: a screen reader need not say it twice.
    if (part.src === '') part.alt = ''
    if (part.src === '') part.width = part.height = 320
    set(part, field, offer)
    made.append(part)
  }
  return made
}

/** Half of it in view for a second counts as seen, once for each decision and item. */
const timers = new WeakMap<Element, unknown>()
const shown = new WeakMap<Element, Record<string, unknown>>()
const observer = new IntersectionObserver(
  (entries) => {
    for (const { target, intersectionRatio } of entries) {
      clearTimeout(timers.get(target) as number)
      if (intersectionRatio >= 0.5) timers.set(target, after(1000, () => look(target)))
    }
  },
  { threshold: 0.5 }
)

function look(target: Element): void {
  const what = shown.get(target)!
  // A page in a background tab is in nobody's view.
  if (document.hidden) timers.set(target, after(1000, () => look(target)))
  else {
    observer.unobserve(target)
    const key = what.decision_id + '/' + what.item_id
    if (!seen.has(key)) doors.track('Offer Viewed', what)
    seen.add(key)
  }
}

function state(slot: HTMLElement, now: string): void {
  slot.dataset.habitue = now
}

/** Puts the offers into the slot; what the shop had there is kept aside. */
function fill(slot: HTMLElement, id: string, { offers, decision_id }: SlotAnswer): void {
  const nodes = Array.from(slot.childNodes)
  const template = slot.querySelector('template')
  const items: HTMLElement[] = []
  offers.forEach((offer, index) => {
    let made: Any
    if (templates[id]) made = templates[id]!(offer, slot)
    else if (template) {
      const copy = document.importNode(template.content, true)
      for (const field of all('[data-habitue-field]', copy)) set(field, field.dataset.habitueField!, offer)
      made = copy.firstElementChild
    } else made = card(offer)
    if (!made) return
    if (!(made instanceof Element)) {
      const holder = document.createElement('span')
      holder.append(made)
      made = holder
    }
    const what = { decision_id, slot: id, item_id: offer.item_id, position: index + 1 }
    shown.set(made, what)
    observer.observe(made)
    const follow = (event: Event): void => {
      // The middle button opens a tab; the right one only a menu.
      if ((event as MouseEvent).button < 2) doors.track('Offer Clicked', what)
    }
    on(made, 'click', follow)
    on(made, 'auxclick', follow)
    items.push(made)
  })
  if (!items[0]) {
    // The shop's own content shows; without any, the room closes where nobody sees it close.
    if (slot.dataset.habitue === 'wait') state(slot, 'shop')
    else if (slot.getBoundingClientRect().top > innerHeight) state(slot, 'empty')
    return
  }
  if (slot.dataset.habitue === 'wait') slot.style.minHeight = slot.offsetHeight + 'px'
  own.set(slot, nodes)
  if (templates[id] || template) slot.replaceChildren(...items)
  else {
    // No `ul`: shops style those for their texts, and the row has to keep its height.
    const row = make('div', 'row')
    row.setAttribute('role', 'list')
    for (const item of items) {
      const place = document.createElement('div')
      place.setAttribute('role', 'listitem')
      place.append(item)
      row.append(place)
    }
    slot.replaceChildren(row)
  }
  state(slot, 'offers')
}

/** Asks for the slots that nobody has asked for yet, and for those that are about another item now. */
export function scan(): void {
  const found = all('[data-habitue-slot]').filter((slot) => {
    const { habitueSlot, item, category } = slot.dataset
    const key = [habitueSlot, item, category].join()
    if (asked.get(slot) === key) return false
    asked.set(slot, key)
    const nodes = own.get(slot)
    if (nodes) slot.replaceChildren(...nodes)
    own.delete(slot)
    if (slot.querySelector(':not(template)') || slot.textContent!.trim()) {
      state(slot, 'wait')
      after(+(slot.dataset.deadline || 1500), () => {
        if (slot.dataset.habitue === 'wait') state(slot, 'shop')
      })
    } else state(slot, 'room')
    return true
  })
  if (found[0]) ask(found.map((slot) => slot.dataset.habitueSlot!), about(found))
}

addStyle(ROOM + CSS, (document.currentScript as HTMLScriptElement | null)?.nonce)

core._answered = (given) => {
  note('slot', given)
  Object.assign(answers, given)
  for (const slot of all('[data-habitue=wait],[data-habitue=room]')) {
    const id = slot.dataset.habitueSlot!
    if (given[id]) {
      safe(fill)(slot, id, given[id]!)
      slot.dispatchEvent(new CustomEvent('habitue:offers', { bubbles: true, detail: given[id] }))
    }
  }
  for (const listener of listeners) safe(listener)(given)
}

core._clear = () => {
  answers = {}
  seen.clear()
  asked = new WeakMap()
  scan()
}

open.template = (slot: string, template: Template) => {
  templates[slot] = template
}

/** `(listener)`, or `(ids, listener?, about?)` for slots that are no elements. */
open.slots = (ids: Any, listener: Any, page?: About) => {
  const heard = Array.isArray(ids) ? listener : ids
  if (heard) {
    listeners.push(heard)
    if (Object.keys(answers)[0]) heard(answers)
  }
  if (Array.isArray(ids)) ask(ids, { ...about([]), ...page })
}
