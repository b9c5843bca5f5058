import assert from 'node:assert/strict'
import { test } from 'node:test'
import { built, committed, visit } from './visit.mjs'

test('what is committed is what the sources give', async () => {
  for (const name of Object.keys(built)) assert.equal(await committed(name), built[name], name)
})

test('pasted twice, it works once', async (t) => {
  const shop = await visit()
  t.after(shop.close)
  shop.paste()
  shop.window.history.pushState({}, '', '/p/2')
  await shop.pass(400)
  assert.deepEqual(shop.taken(), ['page', 'page'])
})

test('a reference to the stub that the shop kept goes on working', async (t) => {
  const shop = await visit({ before: built['stub.js'] + ';window.mine = habitue; mine("track", "Early")' })
  t.after(shop.close)
  shop.window.mine('track', 'Late')
  await shop.pass(250)
  assert.deepEqual(shop.taken(), ['page', 'Early', 'Late'])
})

test('other stubs than ours are understood', async (t) => {
  const before = 'window.habitue = window.habitue || function () { (habitue.q = habitue.q || []).push([].slice.call(arguments)) }; habitue("track", "Early")'
  const shop = await visit({ before })
  t.after(shop.close)
  await shop.pass(250)
  assert.deepEqual(shop.taken(), ['page', 'Early'])
})

test('later changes of an object that was handed over change nothing', async (t) => {
  const shop = await visit()
  t.after(shop.close)
  const properties = { products: [{ id: 1 }] }
  shop.habitue('track', 'Cart Viewed', properties)
  properties.products.push({ id: 2 })
  await shop.pass(250)
  assert.deepEqual(shop.beacons[0].body.batch[1].properties, { products: [{ id: 1 }] })
})

test('nonsense is counted and nothing is thrown', async (t) => {
  const shop = await visit()
  t.after(shop.close)
  const cyclic = {}
  cyclic.self = cyclic
  for (const call of [[], [null], ['nothing'], ['constructor', 'x'], ['track', 'Cyclic', cyclic], ['consent'], ['slots', 7]]) {
    shop.habitue(...call)
  }
  shop.habitue('track', 'Fine')
  await shop.pass(250)
  assert.deepEqual(shop.taken(), ['page', 'Fine'])
  assert.ok(shop.beacons[0].body.context.lost.error >= 2)
})

test('the envelope says what the wire asks for', async (t) => {
  const shop = await visit()
  t.after(shop.close)
  await shop.pass(250)
  const { path, body, credentials } = shop.beacons[0]
  assert.deepEqual([path, credentials, body.writeKey], ['batch', 'include', 'k'])
  assert.match(body.nonce, /^\d{20,40}$/)
  assert.deepEqual(Object.keys(body.context).sort(), ['consent', 'page'])
  assert.match(body.batch[0].messageId, /^\d{20,40}$/)
  assert.match(body.batch[0].timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.equal(body.batch[0].properties.search, '?x=2')
})

test('denied: no cookie, no nonce, no storage, no page; only the question', async (t) => {
  const shop = await visit({ tag: '', before: built['stub.js'] + ';habitue("consent", {analytics: false, personalization: false})' })
  t.after(shop.close)
  shop.habitue('slots', ['s'], () => {})
  shop.habitue('track', 'Secret')
  await shop.pass(60_000)
  const [{ path, credentials, body }, ...others] = shop.beacons
  assert.deepEqual(others, [])
  assert.deepEqual([path, credentials, body.batch, body.slots], ['context', 'omit', [], ['s']])
  assert.deepEqual(body.context, { consent: { analytics: 'denied', personalization: 'denied' } })
  assert.equal(body.nonce, undefined)
  assert.deepEqual(shop.kept(), {})
})

test('consent for analytics alone is told as such', async (t) => {
  const shop = await visit({ tag: '' })
  t.after(shop.close)
  await shop.pass(5000)
  assert.deepEqual(shop.beacons, [])
  shop.habitue('consent', { analytics: 'granted', personalization: 'denied' })
  await shop.pass(250)
  assert.deepEqual(shop.taken(), ['page'])
  assert.deepEqual(shop.beacons[0].body.context.consent, { analytics: 'granted', personalization: 'denied' })
  assert.equal(shop.kept()['habitue.k.consent'], 'denied')
  shop.habitue('consent', { personalization: true })
  await shop.pass(250)
  assert.deepEqual(shop.beacons[1].body.batch, [])
  assert.deepEqual(shop.beacons[1].body.context.consent, { analytics: 'granted', personalization: 'granted' })
})
