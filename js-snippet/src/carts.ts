/** What is put into the cart by forms, links and calls, unless the dataLayer tells of it. */
import { after, all, on, open, safe } from './lent'
import type { Any } from './lent'
import { captured, ignore, tell } from './told'

/** For the dataLayer to tell of it, ms. */
const WORD = 1000

let waiting: { at: number; item: Any; source: string }[] = []

export function settle(leaving?: boolean): void {
  const before = waiting
  waiting = []
  for (const added of before) {
    if (!leaving && Date.now() < added.at + WORD) waiting.push(added)
    else if (
      captured(added.at - WORD).some(
        ({ event, context }) => /add.?to.?cart|product.?added/i.test(event!) && !/form|call/.test(context.source!)
      )
    ) {
      ignore(added.item)
    } else tell('add_to_cart', { items: [added.item] }, added.source)
  }
}

const id = (item: Any): unknown => item.item_variant || item.item_id

function added(source: string, item: Any): void {
  if (!id(item)) return
  const same = waiting.find((other) => id(other.item) === id(item))
  if (same) Object.assign(same.item, item)
  else {
    waiting.push({ at: Date.now(), item, source })
    after(WORD, settle)
  }
}

/** WooCommerce's, Shopify's and Magento's names of the fields, and what Shopify answers. */
function itemOf(fields: Any, answer: Any = {}): Any {
  const variant = fields.variation_id || fields.id
  const item_id =
    answer.product_id || fields['product-id'] || fields.product_id || fields['add-to-cart'] || fields.product || variant
  return {
    item_id: item_id && '' + item_id,
    item_variant: variant && '' + variant,
    quantity: +(fields.quantity || fields.qty || 1),
    sku: answer.sku || fields.product_sku,
    item_name: answer.product_title || answer.title,
    price: answer.price / 100 || undefined
  }
}

type Read = (from: Any, more: Any) => Any

/** Elements by a selector, calls by a pattern of their address. */
const adapters: [string | RegExp, Read][] = [
  [
    'form.cart,form[action*="/cart/add"]',
    (form, { submitter }) => {
      const fields = new FormData(form)
      if (submitter?.name) fields.append(submitter.name, submitter.value)
      return itemOf(Object.fromEntries(fields))
    }
  ],
  [
    '.ajax_add_to_cart,[href*="add-to-cart="]',
    ({ dataset, search }) => itemOf({ ...Object.fromEntries(new URLSearchParams(search)), ...dataset })
  ],
  [
    /\/cart\/add|wc-ajax=add_to_cart/,
    (fields, answer) =>
      (fields.items || [fields]).map((line: Any) =>
        itemOf(line, (answer.items || [answer]).find((one: Any) => one.id == line.id))
      )
  ]
]

open.adapter = (match: string | RegExp, read: Read) => {
  adapters.push([match, read])
}

const touched = (event: Event): void => {
  for (const [match, read] of adapters) {
    const element = typeof match === 'string' && (event.target as Element).closest(match)
    if (element && element.matches('form') === (event.type === 'submit')) added('form', read(element, event) || {})
  }
}
on(document, 'submit', touched)
on(document, 'click', touched)

const called = safe((url: string, body: Any, answer: Any) => {
  for (const [match, read] of adapters) {
    if (typeof match !== 'string' && match.test(url)) {
      let fields
      try {
        fields = JSON.parse(body)
      } catch {
        fields = Object.fromEntries(new URLSearchParams(body))
      }
      try {
        answer = JSON.parse(answer)
      } catch {
        // Then the call alone says what was added.
      }
      for (const item of [].concat(read(fields, Object(answer)) || [])) added('cart_call', item)
    }
  }
})

const { fetch } = window
window.fetch = function (...given) {
  const answer = fetch.apply(this, given)
  answer.then((response) => {
    const url = response.url
    if (response.ok && adapters.some(([match]) => typeof match !== 'string' && match.test(url))) {
      response.clone().text().then((text) => called(url, given[1]?.body, text))
    }
  }).catch(() => {})
  return answer
}

const { send } = XMLHttpRequest.prototype
XMLHttpRequest.prototype.send = function (body) {
  on(this, 'load', () => {
    if (this.status < 300) called(this.responseURL, body, this.response)
  })
  send.call(this, body)
}
void all
