/** What is put into the cart by forms, links and calls. */
import { all, host, on, doors, safe, wrap } from './lent'
import type { Any } from './lent'
import { added } from './told'

/** What the shop systems call the number of a product, and how many of it. */
const itemOf = (fields: Any): Any => {
  const variant = fields.variation_id || fields.id
  const { id, variants } = host.ShopifyAnalytics?.meta?.product || {}
  const known = variants?.find((one: Any) => one.id == variant)
  return {
    item_id:
      fields.product_id || fields['add-to-cart'] || fields.product || fields.id_product || fields.pid || (known ? id : variant),
    item_variant: variant,
    quantity: +(fields.quantity || fields.qty || fields['qty[]'] || 1),
    sku: fields.product_sku || known?.sku
  }
}

type Read = (from: Any, event?: Any) => Any

/** Elements by a selector; calls, forms and links by a pattern of their address or their fields. */
const adapters: [Any, Read][] = [
  [
    /cart[/.-]add(?!r)|wc-ajax=add_to_cart|store\/v1\/batch|add-to-cart=\d|\badd=1&/i,
    (fields) =>
      (fields.requests?.map((one: Any) => /add-item/.test(one.path) && one.body) || fields.items || [fields]).map(itemOf)
  ]
]

doors.adapter = (...adapter: [Any, Read]) => {
  adapters.push(adapter)
}

const called = safe((url: string, body: Any, call?: boolean) => {
  // What is as long as this, or bytes, is no cart's.
  const fields = new URLSearchParams(body?.length > 9999 || body?.buffer ? '' : body || url.split('?')[1])
  for (const [match, read] of adapters) {
    if (match.test?.(url) || match.test?.(fields)) {
      let said: Any
      try {
        said = JSON.parse(body)
      } catch {
        said = Object.fromEntries(fields)
      }
      added(read(said), call)
    }
  }
})

const touched = (event: Any): void => {
  const path = event.composedPath()
  const submitted = event.type === 'submit'
  // A form's fields may hide its own members.
  const under = (selector: string): Any => all(selector).find((one) => path.includes(one))
  for (const [match, read] of adapters) {
    const element = !match.test && under(match)
    if (element && match.startsWith('form') === submitted) added(read(element, event))
  }
  // A link without a query of its own has the page's.
  const target = under(submitted ? 'form' : '[href*="?"]')
  if (!target) return
  const data = submitted ? new FormData(target) : new URLSearchParams(target.search)
  data.set(event.submitter?.name, event.submitter?.value)
  data.set('product_sku', target.dataset.product_sku || target.dataset.productSku || '')
  called(Element.prototype.getAttribute.call(target, 'action')!, data)
}
on(document, 'submit', touched)
on(document, 'click', touched)

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
    ([{ ok, url }, body]) => ok && called(url, body, true),
    () => {}
  )
  return answer
}

wrap(XMLHttpRequest.prototype, 'send', (call, [body]) => {
  const done = (): void => {
    // WooCommerce says 200 also where nothing is left of it.
    if (call.status < 300 && !/^{"error":true/.test(call.response)) called(call.responseURL, body, true)
  }
  // Old themes wait for the answer.
  if (call.readyState > 3) done()
  else on(call, 'load', done)
})
