/** Finds the slots, asks for offers and puts them in. */
import type { Template } from './core'
import type { About, Answers, Offer, SlotAnswer } from './questions'
import { after, all, core, doors, note, on, safe, schedule, setting } from './lent'
import type { Any } from './lent'
import { CARDS } from './cards'
import { ROOM, addStyle } from './style'

/** For a consent tool to speak, before slots ask for what anybody may see, ms. */
const PATIENCE = 500

let answers: Answers = {}
const listeners: ((answers: Answers) => void)[] = []
const templates: Record<string, Template> = {}

/**
 * A slot's `data-habitue`: `wait` (the shop's own content, hidden until offers come or the deadline passes), `room`
 * (nothing in it, a skeleton keeps the place), `offers`, `shop` (its own content stayed), `empty` (nothing came).
 *
 * `_asked`: what for; `_own`: what the shop had inside. The build shortens these names.
 */
type Slot = HTMLElement & { _asked?: string; _own?: Node[] }

const slots = (): Slot[] => all('[data-habitue-slot]')
const seen = new Set<string>()
let styled: unknown

/** What the page is about, by the attributes of the slots, else of the body, else of the script element. */
const about = (slots: HTMLElement[]): About => {
  const value = (name: string): string | undefined =>
    [...slots, document.body].map((element) => element.getAttribute('data-' + name)).find(Boolean) ||
    setting(name) ||
    undefined
  return { type: value('page-type'), item_id: value('item'), category: value('category') }
}

/** What else turns up in the next moment goes in the same request. */
const ask = (ids: string[], page: About): void => {
  note('slot', ids)
  for (const id of ids) core._wanted.add(id)
  core._about = page
  schedule(20)
  after(PATIENCE, () => {
    core._held = false
    schedule(0)
  })
}

const judge = document.createElement('a')

/** Nothing but the web: a `javascript:` or `data:` address is no address. */
const link = (element: Any, name: string, url?: string): void => {
  judge.href = url!
  if (url && /^http/.test(judge.protocol)) element[name] = judge.href
}

/** No price is no text; a currency or a language that nobody knows stands as it is. */
const price = ({ price, currency = '' }: Any): string => {
  try {
    return price?.toLocaleString(document.documentElement.lang || [], currency && { style: 'currency', currency })
  } catch {
    return price + ' ' + currency
  }
}

/** Text is set as text, addresses only where they are ones. */
const set = (element: Any, field: string, offer: Any): void => {
  if (field === 'url') link(element, 'href', offer.url)
  else if (field === 'image') {
    element.loading = 'lazy'
    link(element, 'src', offer.image_url)
  } else element.textContent = field === 'price' ? price(offer) : field === 'reason' ? offer.reasons?.[0]?.text : offer[field]
}

const make = (tag: string, name: string): Any => {
  const made = document.createElement(tag)
  made.className = 'habitue-' + name
  return made
}

/** The card that every shop gets without doing anything; that of a content is twice as wide, and only as full as it. */
const card = (offer: Offer): HTMLElement => {
  const { kind } = offer
  const made = make('a', kind ? 'card habitue-content habitue-' + kind : 'card')
  set(made, 'url', offer)
  for (const field of ['image', 'name', kind ? 'text' : 'price', kind ? 'code' : 'reason']) {
    const part = make(field === 'image' ? 'img' : 'span', field)
    // Of a picture; its name stands beside it: a screen reader need not say it twice.
    part.alt = ''
    part.width = part.height = 320
    set(part, field, offer)
    if (!kind || part.textContent || part.src) made.append(part)
  }
  return made
}

/** Half of it in view for a second counts as seen, once for each decision and item. */
const observer = new IntersectionObserver(
  (entries) => {
    for (const { target, intersectionRatio } of entries as Any) {
      clearTimeout(target._timer)
      if (intersectionRatio >= 0.5) target._timer = after(1000, target._look)
    }
  },
  { threshold: 0.5 }
)

/** Tells of what becomes of an offer on the page. */
const watch = (made: Any, what: Any): void => {
  const key = what.decision_id + what.item_id
  made._look = () => {
    if (!seen.has(key)) doors.track('Offer Viewed', what)
    seen.add(key)
  }
  observer.observe(made)
  // The middle button opens a tab; the right one only a menu.
  const follow = (event: Any): void => {
    if (event.button < 2) doors.track('Offer Clicked', what)
  }
  on(made, 'click', follow)
  on(made, 'auxclick', follow)
}

/** Puts the offers into the slot; what the shop had there is kept aside. */
const fill = (slot: Slot, id: string, { offers, decision_id }: SlotAnswer): void => {
  const template = slot.querySelector('template')
  const waits = slot.dataset.habitue === 'wait'
  const row = make('div', 'row')
  row.setAttribute('role', 'list')
  const items: Element[] = []
  offers.forEach((offer, index) => {
    let made: Any
    if (templates[id]) made = templates[id]!(offer, slot)
    else if (template) {
      made = template.content.cloneNode(true)
      for (const field of all('[data-habitue-field]', made)) set(field, field.dataset.habitueField!, offer)
      made = made.firstElementChild
    } else made = card(offer)
    if (!made) return
    // No `ul`: shops style those for their texts, and the row has to keep its height.
    const place = document.createElement('div')
    place.setAttribute('role', 'listitem')
    place.append(made)
    row.append(place)
    if (!made.tagName) made = place
    watch(made, { decision_id, slot: id, item_id: offer.item_id, position: index + 1 })
    items.push(made)
  })
  if (items[0]) {
    if (waits) slot.style.minHeight = slot.offsetHeight + 'px'
    slot._own = [...slot.childNodes]
    slot.replaceChildren(...(templates[id] || template ? items : [row]))
    slot.dataset.habitue = 'offers'
  }
  // The shop's own content shows; without any, the room closes where nobody sees it close.
  else if (waits) slot.dataset.habitue = 'shop'
  else if (slot.getBoundingClientRect().top > innerHeight) slot.dataset.habitue = 'empty'
}

/** Asks for the slots that nobody has asked for yet, and for those that are about another item now. */
export const scan = (): void => {
  const found = slots().filter((slot) => {
    const { habitueSlot, item, category } = slot.dataset
    const key = habitueSlot! + item + category
    if (slot._asked === key) return false
    slot._asked = key
    if (slot._own) slot.replaceChildren(...slot._own)
    slot._own = undefined
    if (slot.querySelector(':not(template)') || slot.textContent!.trim()) {
      slot.dataset.habitue = 'wait'
      after(+(slot.dataset.deadline || 1500), () => {
        if (slot.dataset.habitue === 'wait') slot.dataset.habitue = 'shop'
      })
    } else slot.dataset.habitue = 'room'
    return true
  })
  if (!found[0]) return
  if (!styled) safe(addStyle)(ROOM + CARDS)
  styled = true
  ask(found.map((slot) => slot.dataset.habitueSlot!), about(found))
}

core._answered = (given = {}) => {
  Object.assign(answers, given)
  for (const slot of slots()) {
    const id = slot.dataset.habitueSlot!
    if (given[id] && /wait|room/.test(slot.dataset.habitue!)) {
      safe(fill)(slot, id, given[id]!)
      slot.dispatchEvent(new CustomEvent('habitue:offers', { bubbles: true, detail: given[id] }))
    }
  }
  for (const listener of listeners) safe(listener)(given)
}

core._clear = () => {
  answers = {}
  seen.clear()
  for (const slot of slots()) slot._asked = ''
  scan()
}

doors.template = (slot: string, template: Template) => {
  templates[slot] = template
}

/** `(listener)`, or `(ids, listener?, about?)` for slots that are no elements. */
doors.slots = (ids: Any, listener: Any, page?: About) => {
  if (!ids.map) listener = ids
  else ask(ids, { ...about([]), ...page })
  if (!listener) return
  listeners.push(listener)
  if (Object.keys(answers)[0]) listener(answers)
}
