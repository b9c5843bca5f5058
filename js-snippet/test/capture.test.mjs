import assert from 'node:assert/strict'
import { test } from 'node:test'
import { visit } from './visit.mjs'

const LAYER = 'window.dataLayer = window.dataLayer || []; function gtag() { dataLayer.push(arguments) }\n'
const ITEM = "{item_id: 'A', item_name: 'Mug', price: 5}"
const VIEW = `dataLayer.push({event: 'view_item', ecommerce: {currency: 'EUR', items: [${ITEM}]}});`
const ADD = `dataLayer.push({event: 'add_to_cart', ecommerce: {items: [${ITEM}]}});`

/** What the collector took, page views apart: `[name, properties, source]`. */
const told = (shop) =>
  shop.beacons
    .flatMap(({ body }) => body.batch || [])
    .filter(({ type }) => type !== 'page')
    .map(({ type, event, userId, properties, context }) => [event || type, properties || userId, context.source])

async function page(t, given) {
  const shop = await visit(given)
  t.after(shop.close)
  return shop
}

test('what was pushed before, after, several at once and as arguments is told once, in its order', async (t) => {
  const shop = await page(t, { before: LAYER + VIEW })
  shop.run(ADD)
  shop.run(`gtag('event', 'purchase', {transaction_id: '7', value: 5, items: [${ITEM}]})`)
  shop.run(`dataLayer.push({ecommerce: null}, {event: 'view_cart', ecommerce: {items: [${ITEM}]}}, {event: 'view_cart'})`)
  shop.run("gtag('event', 'search', {search_term: 'mug'}); gtag('event', 'scroll', {percent: 90})")
  await shop.pass(2000)
  assert.deepEqual(
    told(shop).map(([name]) => name),
    ['view_item', 'add_to_cart', 'purchase', 'view_cart', 'search']
  )
  assert.deepEqual(told(shop)[0], ['view_item', { currency: 'EUR', items: [{ item_id: 'A', item_name: 'Mug', price: 5 }] }, 'datalayer'])
})

test('push answers what it always answered, and nothing in the layer is called', async (t) => {
  const shop = await page(t, { before: LAYER })
  shop.run('dataLayer.push = (push => function () { push.apply(this, arguments); return "theirs" })(dataLayer.push)')
  shop.run(`window.answer = dataLayer.push({event: 'add_to_cart', eventCallback() { window.called = 1 }, ecommerce: {items: [${ITEM}], call() { window.called = 1 }}})`)
  shop.run('dataLayer.push(() => { window.called = 1 })')
  await shop.pass(2000)
  assert.equal(shop.window.answer, 'theirs')
  assert.equal(shop.window.called, undefined)
  assert.equal(told(shop).length, 1)
})

test('a tag manager that keeps only the newest entries loses none of ours', async (t) => {
  const shop = await page(t, { before: LAYER })
  shop.run(`for (let i = 0; i < 20; i++) { dataLayer.push({event: 'select_item', ecommerce: {items: [{item_id: '' + i}]}}); while (dataLayer.length > 3) dataLayer.shift() }`)
  shop.run(`const same = {event: 'select_item', ecommerce: {items: [{item_id: 'x'}]}}; dataLayer.push(same); dataLayer.push(same)`)
  await shop.pass(5000)
  assert.equal(told(shop).length, 22)
})

test("a person's data, nodes, circles and depths stay on the page; what is sold does not", async (t) => {
  const shop = await page(t, { before: LAYER })
  shop.run(`
    const item = {item_id: 'A', item_name: 'Mug', engraving: 'for ann@example.com', node: document.body}
    item.self = item
    dataLayer.push({event: 'purchase', user_data: {email: 'ann@example.com'}, ecommerce: {
      transaction_id: '7', value: 5, name: 'Ann Lee', customerEmail: 'x', billing_address: {street: 'Ring'}, phone: '1', big: 10n, items: [item]}})
    gtag('event', 'sign_up', {method: 'ann@example.com', name: 'Ann Lee', first_name: 'Ann'})
    gtag('event', 'login', {method: 'mail', user_id: 'ann@example.com'})`)
  await shop.pass(2000)
  const sent = JSON.stringify(shop.beacons)
  for (const word of ['example.com', 'Ann', 'Ring', 'phone']) assert.ok(!sent.includes(word), word)
  const [[, order], signUp] = told(shop)
  assert.deepEqual([order.transaction_id, order.value, order.items[0].item_name], ['7', 5, 'Mug'])
  assert.deepEqual(signUp, ['sign_up', {}, 'datalayer'])
})

test('an e-mail address in an address stays there', async (t) => {
  const shop = await page(t, { before: "history.replaceState({}, '', '/thanks?email=ann%40example.com&order=7#to=ann@example.com')" })
  await shop.pass(250)
  assert.equal(shop.beacons[0].body.context.page.url, 'https://shop.example/thanks?&order=7#')
  assert.ok(!JSON.stringify(shop.beacons).includes('example.com&'))
})

test('an order has one id, by whatever way it is told', async (t) => {
  const shop = await page(t, { before: LAYER })
  shop.run(`for (const id of ['O-1', 'O-1', 'O-2']) dataLayer.push({event: 'purchase', ecommerce: {transaction_id: id, items: [${ITEM}]}})`)
  shop.run(`dataLayer.push({event: 'transaction', ecommerce: {purchase: {actionField: {id: 'O-1'}, products: []}}})`)
  shop.habitue('track', 'Order Completed', { order_id: 'O-1' })
  await shop.pass(250)
  const ids = shop.beacons.flatMap(({ body }) => body.batch).filter(({ type }) => type === 'track').map(({ messageId }) => messageId)
  assert.deepEqual(ids, ['order.O-1', 'order.O-1', 'order.O-2', 'order.O-1', 'order.O-1'])
})

test('who logged in is told once; a guest is nobody', async (t) => {
  const shop = await page(t, { before: LAYER + "dataLayer.push({user_id: 'guest'}, {userId: 0}, {userId: 4711}, {event: 'x', user_id: '4711'}); gtag('set', {user_id: '4711'}); gtag('config', 'G-1', {user_id: '(not set)'})" })
  await shop.pass(2000)
  assert.deepEqual(told(shop), [['identify', '4711', 'datalayer']])
})

const JSONLD = '<script type="application/ld+json">{"@type":"Product","name":"Mug","sku":"A","review":{"author":"Ann"},"description":"x","offers":{"price":"5.00"}}</script>'

test('the product in the markup is told after a second, without its reviews, unless the layer speaks', async (t) => {
  const shop = await page(t, { html: JSONLD })
  await shop.pass(900)
  assert.deepEqual(told(shop), [])
  await shop.pass(400)
  const [[name, { markup }, source]] = told(shop)
  assert.deepEqual([name, source], ['view_item', 'markup'])
  assert.deepEqual(markup.jsonld, [{ '@type': 'Product', name: 'Mug', sku: 'A', offers: { price: '5.00' } }])
  const other = await page(t, { html: JSONLD, before: LAYER + VIEW })
  await other.pass(3000)
  assert.deepEqual(told(other).map(([, , source]) => source), ['datalayer'])
})

test('a layer that speaks later is not told again on the same page, but on the next one', async (t) => {
  const shop = await page(t, { html: JSONLD, before: LAYER })
  await shop.pass(1300)
  shop.run(VIEW)
  await shop.pass(300)
  assert.equal(told(shop).length, 1)
  shop.run("history.pushState({}, '', '/p/2');" + VIEW)
  await shop.pass(3000)
  assert.deepEqual(told(shop).map(([, , source]) => source), ['markup', 'datalayer'])
})

test('microdata, OpenGraph and broken JSON-LD travel as they are', async (t) => {
  const html = `<div itemscope itemtype="https://schema.org/Product"><b itemprop="name"> Mug </b><meta itemprop="sku" content="A">
    <div itemprop="offers" itemscope><span itemprop="price">1.189,90</span></div></div>
    <meta property="og:type" content="product"><meta property="article:author" content="Ann">
    <script type="application/ld+json">{"@type":"Product","name":"Mug",}</script>`
  const shop = await page(t, { html })
  await shop.pass(1300)
  const { markup } = told(shop)[0][1]
  assert.deepEqual(markup.microdata, [{ name: ['Mug'], sku: ['A'], offers: [{ price: ['1.189,90'] }] }])
  assert.deepEqual(markup.opengraph, { 'og:type': 'product' })
  assert.deepEqual(markup.jsonld, ['{"@type":"Product","name":"Mug",}'])
})

const FORM = '<form class="cart"><input name="quantity" value="2"><input name="note" value="for Ann"><button name="add-to-cart" value="57">Buy</button></form>'
const submit = "document.querySelector('form').addEventListener('submit', (e) => e.preventDefault()); document.querySelector('button').click();"

test('a cart form is told, by its known fields only, unless the layer tells of it', async (t) => {
  const shop = await page(t, { html: FORM, before: LAYER })
  shop.run(submit)
  await shop.pass(1300)
  assert.deepEqual(told(shop), [['add_to_cart', { items: [{ item_id: '57', quantity: 2 }] }, 'form']])
  shop.run(submit + ADD)
  await shop.pass(2000)
  shop.run(ADD + submit)
  await shop.pass(2000)
  assert.deepEqual(told(shop).map(([, , source]) => source), ['form', 'datalayer', 'datalayer'])
})

test('a form whose page leaves at once is told all the same', async (t) => {
  const shop = await page(t, { html: FORM })
  shop.run(submit)
  shop.window.dispatchEvent(new shop.window.Event('pagehide'))
  await shop.pass(10)
  assert.ok(shop.taken().includes('add_to_cart'))
})

test('cart calls are told with what they carry, once with their form', async (t) => {
  const html = '<form action="/cart/add"><input name="id" value="44"><input name="quantity" value="3"><button>Add</button></form>'
  const browser = (window) => {
    window.ShopifyAnalytics = { meta: { product: { id: 8, variants: [{ id: 44, sku: 'S-44' }] } } }
  }
  const shop = await page(t, { html, browser })
  shop.run(submit)
  shop.window.fetch('https://h.shop.example/h/v1/cart/add', { body: 'id=44&quantity=3' })
  await shop.pass(1300)
  const added = shop.beacons.flatMap(({ body }) => body.batch || []).filter(({ event }) => event === 'add_to_cart')
  assert.deepEqual(added.map(({ properties }) => properties.items), [[{ item_id: 8, item_variant: '44', quantity: 3, sku: 'S-44' }]])
})

test('a call that takes long is still that of its form, and the next form is another', async (t) => {
  const shop = await page(t, { html: FORM })
  const call = () => shop.window.fetch('https://h.shop.example/h/v1/cart/add', { body: 'product_id=57&quantity=2' })
  shop.run(submit)
  await shop.pass(3000)
  call()
  await shop.pass(3000)
  assert.equal(shop.taken().filter((name) => name === 'add_to_cart').length, 1)
  shop.run(submit)
  await shop.pass(1300)
  assert.equal(shop.taken().filter((name) => name === 'add_to_cart').length, 2)
})

test('variants of a product on one address are one view', async (t) => {
  const shop = await page(t, { html: JSONLD })
  await shop.pass(1300)
  shop.run("document.querySelector('[type*=ld]').textContent = '{\"@type\":\"Product\",\"name\":\"Mug\",\"sku\":\"B\"}'")
  await shop.pass(3000)
  assert.equal(told(shop).length, 1)
})

test('links, fields and calls of other shop systems are told; what else is put below /cart is not', async (t) => {
  const html =
    '<a id="plain" href="?add-to-cart=57&quantity=2" data-product_sku="CAP"><b>Add</b></a><a id="top" href="#x">Up</a>' +
    '<form id="address" action="/cart/address"><input name="id" value="9"></form>' +
    '<form id="magento" action="/checkout/cart/add/product/1/" data-product-sku="24-MB01"><input name="product" value="1"><input name="qty" value="3"></form>'
  const shop = await page(t, { html })
  const { document, Event, fetch, history } = shop.window
  history.replaceState(null, '', '?add-to-cart=57')
  document.addEventListener('click', (event) => event.preventDefault())
  for (const step of ['#plain b', '#top']) document.querySelector(step).click()
  for (const id of ['address', 'magento']) document.getElementById(id).dispatchEvent(new Event('submit', { cancelable: true }))
  const call = (path, body) => fetch('https://h.shop.example/h/v1/' + path, { body })
  call('cart', 'token=f&id_product=4&qty=2&add=1&action=update')
  call('Cart-AddProduct', 'pid=25M&quantity=1')
  call('checkout/cart.add', 'product_id=43&quantity=2')
  await shop.pass(3000)
  assert.deepEqual(
    told(shop).flatMap(([name, { items }]) => (name === 'add_to_cart' ? items : [])),
    [
      { item_id: '57', quantity: 2, sku: 'CAP' },
      { item_id: '1', quantity: 3, sku: '24-MB01' },
      { item_id: '4', quantity: 2 },
      { item_id: '25M', quantity: 1 },
      { item_id: '43', quantity: 2 }
    ]
  )
})

test('an adapter makes other shops possible', async (t) => {
  const before = "window.habitue = window.habitue || function () { (habitue.q = habitue.q || []).push(arguments) }; habitue('adapter', '.buy', (button) => ({item_id: button.dataset.sku}))"
  const shop = await page(t, { before, html: '<button class="buy" data-sku="X"><i>Buy</i></button>' })
  shop.run("document.querySelector('i').click()")
  await shop.pass(1300)
  assert.deepEqual(told(shop), [['add_to_cart', { items: [{ item_id: 'X' }] }, 'form']])
})

test('a slot that comes later is asked for, and no file comes for it', async (t) => {
  const shop = await page(t)
  await shop.pass(500)
  shop.run('document.body.innerHTML = "<div data-habitue-slot=home></div>"')
  await shop.pass(1000)
  assert.deepEqual(shop.beacons.flatMap(({ body }) => body.slots || []), ['home'])
  assert.equal(shop.window.document.querySelectorAll('script[src*=".js?"]').length, 1)
})

test('what is said to two streams is one view; the same product once more, later, is another', async (t) => {
  const shop = await page(t, { before: LAYER })
  const said = (stream) => shop.run(`gtag('event', 'view_item', {send_to: '${stream}', items: [${ITEM}]})`)
  said('G-1')
  said('G-2')
  await shop.pass(1500)
  assert.equal(told(shop).length, 1)
  said('G-1')
  await shop.pass(1500)
  assert.equal(told(shop).length, 2)
})

test('where the server finds no product in the markup, a quick view is the first view', async (t) => {
  const html = '<script type="application/ld+json">[{"@type":"Product","name":"A"},{"@type":"Product","name":"B"}]</script>'
  const shop = await page(t, { before: LAYER, html, collector: () => ({ results: [{ index: 0, status: 'rejected', reason: 'ambiguous_product' }] }) })
  await shop.pass(3000)
  shop.run(VIEW)
  await shop.pass(1500)
  assert.deepEqual(told(shop).map(([, , source]) => source), ['markup', 'datalayer'])
})

test('an address that lost its query is the same page, and the same view of its product', async (t) => {
  const html = '<script type="application/ld+json">{"@type":"Product","name":"A","sku":"A"}</script>'
  const shop = await page(t, { before: LAYER + VIEW, html, url: 'https://shop.example/a?gclid=1' })
  await shop.pass(200)
  shop.run("history.replaceState({}, '', '/a')")
  await shop.pass(3000)
  assert.deepEqual(shop.taken().sort(), ['page', 'view_item'])
})

test('a mail address in a path or a title, and what short names say of a person, stay on the page', async (t) => {
  const shop = await page(t, { before: LAYER, url: 'https://shop.example/unsubscribe/ann@example.com?id=3', html: '<title>Hello ann@example.com</title>' })
  shop.run(`dataLayer.push({event: 'add_to_cart', ecommerce: {em: 'x', fn: 'Ann', tel: '1', items: [${ITEM}]}})`)
  await shop.pass(1500)
  assert.doesNotMatch(JSON.stringify(shop.beacons), /ann|"x"|tel"/i)
  assert.match(JSON.stringify(shop.beacons), /unsubscribe\/[?]id=3/)
})

test('without its second file the tag still counts pages and takes calls', async (t) => {
  const shop = await page(t, { before: LAYER + VIEW, serves: false })
  shop.habitue('track', 'Own')
  await shop.pass(500)
  assert.deepEqual(shop.taken(), ['page', 'Own'])
})

test('ten thousand pushes cost no second', async (t) => {
  const shop = await page(t, { before: LAYER })
  const start = performance.now()
  shop.run("for (let i = 0; i < 10000; i++) dataLayer.push({event: 'gtm.scroll', i})")
  assert.ok(performance.now() - start < 1000)
})
