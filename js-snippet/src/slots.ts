/** Fills slots with offers. Loaded only where a page has slots. */
import type { Core, Template } from './main'
import type { Answers, Offer, SlotAnswer } from './questions'
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

/** What belongs to an offer on the page: which decision put it there. */
interface Shown {
  decision_id: string | undefined
  slot: string
  item_id: string
  position: number
}

const core = (window as unknown as { habitue: { core: Core } }).habitue.core
const { safe, track } = core

/** What the shop had inside a slot. */
const own = new WeakMap<HTMLElement, Node[]>()
const shown = new WeakMap<Element, Shown>()
const seen = new Set<string>()

function slotsIn(...states: string[]): HTMLElement[] {
  return Array.from(document.querySelectorAll<HTMLElement>(states.map((state) => `[data-habitue=${state}]`).join()))
}

function mark(slot: HTMLElement, state: string): void {
  slot.setAttribute('data-habitue', state)
}

/** Nothing but the web: a `javascript:` or `data:` address is no address. */
function address(url: unknown): string {
  try {
    const parsed = new URL(url as string, document.baseURI)
    return url && /^https?:$/.test(parsed.protocol) ? parsed.href : ''
  } catch (error) {
    return ''
  }
}

/** One for each currency: making one costs a hundred times as much as using it. */
const formats: Record<string, Intl.NumberFormat> = {}

function price(offer: Offer): string {
  const { price, currency = '' } = offer
  if (typeof price !== 'number') return ''
  try {
    const style: Intl.NumberFormatOptions = currency ? { style: 'currency', currency } : {}
    formats[currency] = formats[currency] || new Intl.NumberFormat(document.documentElement.lang || undefined, style)
    return formats[currency]!.format(price)
  } catch (error) {
    return price + ' ' + currency
  }
}

/** The words of an offer, by the names that templates use. */
function words(offer: Offer): Record<string, string> {
  const reason = offer.reasons && offer.reasons[0]
  const all: Record<string, string> = { price: price(offer), reason: reason ? reason.text : '' }
  for (const name of ['item_id', 'name', 'currency'] as const) all[name] = '' + (offer[name] || '')
  return all
}

function picture(image: HTMLImageElement, offer: Offer): void {
  const source = address(offer.image_url)
  image.loading = 'lazy'
  image.decoding = 'async'
  if (source) image.src = source
  else image.removeAttribute('src')
}

function element<K extends keyof HTMLElementTagNameMap>(tag: K, name: string, text?: string): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag)
  made.className = 'habitue-' + name
  if (text) made.textContent = text
  return made
}

/** The card that every shop gets without doing anything. */
function card(offer: Offer): HTMLElement {
  const text = words(offer)
  const made = element('a', 'card')
  const image = element('img', 'image')
  const url = address(offer.url)
  if (url) made.href = url
  // The name stands beside it: a screen reader need not say it twice.
  image.alt = ''
  image.width = image.height = 320
  picture(image, offer)
  made.append(
    image,
    element('span', 'name', text.name),
    element('span', 'price', text.price),
    element('span', 'reason', text.reason)
  )
  return made
}

/** The shop's `<template>`: text is set as text, addresses only where they are ones. */
function filled(template: HTMLTemplateElement, offer: Offer): HTMLElement | null {
  const made = document.importNode(template.content, true)
  const text = words(offer)
  for (const field of Array.from(made.querySelectorAll<HTMLElement>('[data-habitue-field]'))) {
    const name = field.getAttribute('data-habitue-field')!
    if (name === 'url') {
      const url = address(offer.url)
      if (url) field.setAttribute('href', url)
    } else if (name === 'image') picture(field as HTMLImageElement, offer)
    else field.textContent = text[name] || ''
  }
  return made.firstElementChild as HTMLElement | null
}

/** Half of it in view for a second counts as seen, once for each decision and item. */
const timers = new WeakMap<Element, ReturnType<typeof setTimeout>>()
const observer = new IntersectionObserver(
  safe((entries: IntersectionObserverEntry[]) => {
    for (const { target, intersectionRatio } of entries) {
      clearTimeout(timers.get(target))
      if (intersectionRatio >= 0.5) timers.set(target, setTimeout(safe(look), 1000, target))
    }
  }),
  { threshold: 0.5 }
)

function look(target: Element): void {
  const what = shown.get(target)
  if (!what) return
  // A page in a background tab is in nobody's view.
  if (document.visibilityState === 'hidden') {
    timers.set(target, setTimeout(safe(look), 1000, target))
    return
  }
  observer.unobserve(target)
  const key = what.decision_id + '/' + what.item_id
  if (seen.has(key)) return
  seen.add(key)
  track('Offer Viewed', { ...what })
}

function watch(target: Element, what: Shown): void {
  shown.set(target, what)
  observer.observe(target)
  const follow = safe((event: Event) => {
    // The middle button opens a tab; the right one only a menu.
    if ((event as MouseEvent).button < 2) track('Offer Clicked', { ...what })
  })
  target.addEventListener('click', follow)
  target.addEventListener('auxclick', follow)
}

/** Puts the offers into the slot; what the shop had there is kept aside. */
function fill(slot: HTMLElement, id: string, answer: SlotAnswer): void {
  const nodes = Array.from(slot.childNodes)
  const template = slot.querySelector('template')
  const make: Template | undefined = core.templates[id]
  const items: Node[] = []
  answer.offers.forEach((offer, index) => {
    let made: Node | null
    if (make) {
      const given = make(offer, slot)
      made = typeof given === 'string' ? document.createTextNode(given) : given
    } else made = template ? filled(template, offer) : card(offer)
    if (!made) return
    if (!(made instanceof Element)) {
      const holder = document.createElement('span')
      holder.append(made)
      made = holder
    }
    watch(made as Element, { decision_id: answer.decision_id, slot: id, item_id: offer.item_id, position: index + 1 })
    items.push(made)
  })
  if (!items.length) return nothing(slot)
  if (slot.getAttribute('data-habitue') === 'wait') slot.style.minHeight = slot.offsetHeight + 'px'
  own.set(slot, nodes)
  if (make || template) slot.replaceChildren(...items)
  else {
    // No `ul`: shops style those for their texts, and the row has to keep its height.
    const row = element('div', 'row')
    row.setAttribute('role', 'list')
    for (const item of items) {
      const place = document.createElement('div')
      place.setAttribute('role', 'listitem')
      place.append(item)
      row.append(place)
    }
    slot.replaceChildren(row)
  }
  mark(slot, 'offers')
}

/** No offers: the shop's own content shows; without any, the room closes where nobody sees it close. */
function nothing(slot: HTMLElement): void {
  if (slot.getAttribute('data-habitue') === 'wait') mark(slot, 'shop')
  else if (slot.getBoundingClientRect().top > innerHeight) mark(slot, 'empty')
}

/** Gives a slot back what the shop had in it. */
function putBack(slot: HTMLElement): void {
  const nodes = own.get(slot)
  if (nodes) slot.replaceChildren(...nodes)
  own.delete(slot)
}

/** Each slot that waits has a deadline, counted from when it was found. */
const timed = new WeakSet<HTMLElement>()
core.found = () => {
  for (const slot of slotsIn('wait')) {
    if (own.has(slot)) {
      // Asked again, about another item: what stands in it are the offers from before.
      putBack(slot)
      if (!slot.querySelector(':not(template)') && !slot.textContent!.trim()) mark(slot, 'room')
      timed.delete(slot)
    }
    if (timed.has(slot)) continue
    timed.add(slot)
    setTimeout(
      safe(() => {
        if (slot.getAttribute('data-habitue') === 'wait') mark(slot, 'shop')
      }),
      +(slot.getAttribute('data-deadline') || 1500)
    )
  }
}

core.clear = () => {
  seen.clear()
  for (const slot of slotsIn('offers', 'shop', 'empty', 'room', 'wait')) {
    putBack(slot)
    timed.delete(slot)
    slot.removeAttribute('data-habitue')
  }
}

addStyle(ROOM + CSS, document.currentScript ? (document.currentScript as HTMLScriptElement).nonce : undefined)
core.found()
core.onAnswers((answers: Answers) => {
  for (const slot of slotsIn('wait', 'room')) {
    const id = slot.getAttribute('data-habitue-slot')!
    const answer = answers[id]
    if (!answer) continue
    safe(fill)(slot, id, answer)
    slot.dispatchEvent(new CustomEvent('habitue:offers', { bubbles: true, detail: answer }))
  }
})
