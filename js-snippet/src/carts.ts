/** What is put into the cart by forms, links and calls. */
import { all, host, on, doors, safe } from './lent'
import type { Any } from './lent'
import { added } from './told'

/** WooCommerce's, Shopify's and Magento's names of the fields. */
const itemOf = (fields: Any): Any => {
  const variant = fields.variation_id || fields.id
  const { id, variants } = host.ShopifyAnalytics?.meta?.product || {}
  const known = variants?.find((one: Any) => one.id == variant)
  return {
    item_id: fields.product_id || fields['add-to-cart'] || fields.product || (known ? id : variant),
    item_variant: variant,
    quantity: +(fields.quantity || fields.qty || 1),
    sku: fields.product_sku || known?.sku
  }
}

type Read = (from: Any, event?: Any) => Any

const fieldsOf = (body: Any): Any => Object.fromEntries(new URLSearchParams(body))

/** Elements by a selector, calls by a pattern of their address. */
const adapters: [Any, Read][] = [
  [
    'form.cart,form[action*="/cart/add"]',
    (form, { submitter }) => itemOf({ ...fieldsOf(new FormData(form)), [submitter?.name]: submitter?.value })
  ],
  [
    /\/cart\/add|wc-ajax=add_to_cart|\/store\/v1\/batch/,
    (fields) =>
      (fields.requests?.map((one: Any) => /add-item/.test(one.path) && one.body) || fields.items || [fields]).map(itemOf)
  ]
]

doors.adapter = (...adapter: [Any, Read]) => {
  adapters.push(adapter)
}

const touched = (event: Event): void => {
  for (const [match, read] of adapters) {
    // A form's fields may hide its own members.
    const element = !match.test && all(match).find((one) => event.composedPath().includes(one))
    if (element && match.startsWith('form') === (event.type === 'submit')) added(read(element, event))
  }
}
on(document, 'submit', touched)
on(document, 'click', touched)

const called = safe((url: string, body: Any) => {
  for (const [match, read] of adapters) {
    if (match.test?.(url)) {
      try {
        body = JSON.parse(body)
      } catch {
        body = fieldsOf(body)
      }
      added(read(body), true)
    }
  }
})

const { fetch } = window
window.fetch = function (...given) {
  const [input, init] = given as Any
  let body = init?.body
  safe(() => {
    // A request's own body has to be read before it is sent.
    if (adapters.some(([match]) => match.test?.(input.url))) body ||= input.clone().text()
  })()
  const answer = fetch.apply(this, given)
  Promise.all([answer, body]).then(
    ([{ ok, url }, body]) => ok && called(url, body),
    () => {}
  )
  return answer
}

const { send } = XMLHttpRequest.prototype
XMLHttpRequest.prototype.send = function (body) {
  on(this, 'load', () => {
    if (this.status < 300) called(this.responseURL, body)
  })
  send.call(this, body)
}
