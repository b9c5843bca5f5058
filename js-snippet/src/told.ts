/** Tells the core what was seen, without a person's data and what no JSON can hold, and nothing twice. */
import { after, doors, note, on } from './lent'
import type { Any } from './lent'
import type { Json } from './events'

export const kindOf = (value: unknown): string => ({}).toString.call(value).slice(8, -1)

/** What names a person, and what nobody needs. */
const PERSONAL =
  /mail|phone|mobile|contact|address|street|birth|user|visitor|customer|buyer|billing|recipient|^(zip|city|(em|ph|tel|[fl]n(ame)?)$)|post|(first|last|sur|given|family|full).?name|review|rating|description|^gtm/i

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

/** The last view of a product that was told: on which address, by whom, and what (for a moment). */
let viewedAt: string
let viewedBy: string
let viewed: string
export const forgetView = (): void => {
  viewedAt = ''
}

// Where the server found no product there was none to view: what a quick view shows there is another.
on(document, 'habitue:sent', ({ detail }: Any) => {
  if (/_product"/.test(JSON.stringify(detail.answer.results))) forgetView()
})

/** What was put into the cart, while something better may tell of it. */
const carts = new Map<string, () => void>()
let addedAt = 0

/** Tells of all when the page leaves. */
export const settle = (): void => carts.forEach((say) => say())

/** When a form was sent, ms; for a while a call with the same is that form's. */
const forms = new Map<string, number>()

/** In a second, for the dataLayer may still speak: tells what was put into the cart. A form and its call are one. */
export const added = (given: Any, called?: boolean): void => {
  const items = [given].flat().filter((item: Any) => item?.item_id)
  const key = items.map((item: Any) => item.item_variant || item.item_id).join()
  const now = Date.now()
  if (!key || carts.has(key) || addedAt > now - 1000 || (called && forms.get(key)! > now - 9000)) return
  if (!called) forms.set(key, now)
  const say = (): void => {
    if (carts.delete(key)) tell('add_to_cart', { items }, FORM)
  }
  carts.set(key, say)
  after(1000, say)
}

const { track } = doors
doors.track = (name: string, properties: Json = {}, context?: Json) => {
  const source = context?.source
  if (/view_?item$|product.?(view|detail)/i.test(name) || properties.detail) {
    const { href } = location
    // Told in another way on the same address, it is the same view.
    const way = `${source}${!!properties.detail}`
    // Said to two of Google's streams it is one, too.
    const what = JSON.stringify(properties.items || properties)
    // An address that lost its query is the same.
    if ((viewedAt + '?').startsWith(href + '?') && (viewedBy !== way || viewed === what || source === 'markup')) {
      return note('ignored', ['told before', name])
    }
    viewedAt = href
    viewedBy = way
    viewed = what
    after(1000, () => {
      viewed = ''
    })
  }
  if (source !== FORM && (/add.?to.?cart|product.?added/i.test(name) || properties.add)) {
    carts.clear()
    addedAt = Date.now()
  }
  track(name, properties, context)
}
