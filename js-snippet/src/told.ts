/** Tells the core what was seen, without a person's data and what no JSON can hold, and nothing twice. */
import { after, doors, note, page } from './lent'
import type { Any } from './lent'
import type { Json } from './events'

export const kindOf = (value: unknown): string => ({}).toString.call(value).slice(8, -1)

/** What names a person, and what nobody needs. */
const PERSONAL =
  /mail|phone|address|street|birth|user|customer|buyer|billing|recipient|^zip|^city|post|(first|last|sur|given|family|full).?name|review|rating|description|^gtm/i

const FORM = 'form'

/** How many values may still be copied: what a page has in its objects is without end. */
let room: number

const clean = (value: Any, depth: number, longest: number): unknown => {
  const kind = kindOf(value)
  if (kind === 'Array' || kind === 'Object') {
    const copy: Any = kind === 'Array' ? [] : {}
    for (const key in value) {
      if (depth && room-- > 0 && !PERSONAL.test(key)) copy[key] = clean(value[key], depth - 1, longest)
    }
    return copy
  }
  // No addresses of people.
  if (kind === 'String') return /[\w.+-](@|%40)[\w-]+\.\w/.test(value) ? undefined : value.slice(0, longest)
  return kind === 'Number' || kind === 'Boolean' ? value : undefined
}

/** `source`: where it was seen. `depth`, `longest`: of objects, and of texts. */
export const tell = (name: string, data: Json, source: string, depth = 5, longest = 500): void => {
  room = 3000
  // At the top of an event no name is that of a product.
  doors.track(name, clean({ ...data, name: undefined }, depth, longest) as Json, { source })
}

/** The last view of a product that was told: on which address, and by whom. */
const view: { url?: string; way?: string } = {}
export const forgetView = (): void => {
  view.url = ''
}

/** What was put into the cart, while something better may tell of it. */
const carts = new Map<string, Any[]>()
let addedAt = 0

/** Tells of one, or of all when the page leaves. */
export const settle = (key?: string): void =>
  carts.forEach((items, other) => {
    if (key && key !== other) return
    carts.delete(other)
    tell('add_to_cart', { items }, FORM)
  })

/** Until when a call is that of a form, ms. */
const forms = new Map<string, number>()

/** In a second, for the dataLayer may still speak: tells what was put into the cart. A form and its call are one. */
export const added = (given: Any, called?: boolean): void => {
  const items = [].concat(given).filter((item: Any) => item?.item_id)
  const key = items.map((item: Any) => item.item_variant || item.item_id).join()
  const now = Date.now()
  if (!key || carts.has(key) || addedAt > now - 1000 || (called && forms.get(key)! > now)) return
  if (!called) forms.set(key, now + 9000)
  carts.set(key, items)
  after(1000, () => settle(key))
}

const { track } = doors
doors.track = (name: string, properties: Json = {}, context?: Json) => {
  const source = context?.source
  if (/view_?item$|product.?(view|detail)/i.test(name) || properties.detail) {
    const { url } = page()
    // Told in another way on the same address, it is the same view.
    const way = `${source}${!!properties.detail}`
    if (view.url === url && (view.way !== way || source === 'markup')) return note('ignored', ['told before', name])
    view.url = url
    view.way = way
  }
  if (source !== FORM && (/add.?to.?cart|product.?added/i.test(name) || properties.add)) {
    carts.clear()
    addedAt = Date.now()
  }
  track(name, properties, context)
}
