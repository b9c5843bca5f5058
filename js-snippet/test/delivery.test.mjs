import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at, millisecond, visit } from './visit.mjs'

const event = (name, when) => ({ type: 'track', event: name, messageId: name, timestamp: at(when), context: {}, properties: {} })

test('events of a moment travel together', async (t) => {
  const shop = await visit()
  t.after(shop.close)
  shop.habitue('track', 'One')
  shop.habitue('track', 'Two', { price: 1 })
  assert.equal(shop.beacons.length, 0)
  await shop.pass(250)
  assert.deepEqual(shop.taken(), ['page', 'One', 'Two'])
  assert.equal(shop.beacons.length, 1)
  assert.deepEqual(shop.kept(), {})
})

test('pauses grow, differ, and end at five minutes', async (t) => {
  let open = false
  const shop = await visit({ collector: () => (open ? {} : 503) })
  t.after(shop.close)
  await shop.pass(3_600_000)
  const times = shop.beacons.map((beacon) => beacon.at)
  const pauses = times.slice(1).map((time, index) => time - times[index])
  pauses.slice(0, 5).forEach((pause, index) => {
    assert.ok(pause >= 500 * 3 ** index && pause <= 1000 * 3 ** index + 1, `${index}: ${pause}`)
  })
  assert.ok(Math.max(...pauses) <= 300_001)
  assert.ok(times.length < 40, 'an hour of outage is no storm')
  open = true
  await shop.pass(300_000)
  assert.deepEqual(shop.taken(), ['page'])
})

for (const [header, least] of [['120', 120_000], [new Date(millisecond(90_250)).toUTCString(), 89_000], ['soon', 500]]) {
  test(`Retry-After "${header}" is honoured`, async (t) => {
    const shop = await visit({ collector: () => [503, { 'Retry-After': header }] })
    t.after(shop.close)
    await shop.pass(200_000)
    const [first, second] = shop.beacons
    assert.ok(second.at - first.at >= least, `${second.at - first.at}`)
  })
}

for (const answer of [204, 302, 400, 403, 500, 'a portal']) {
  test(`${answer} is no acknowledgement`, async (t) => {
    let open = false
    const shop = await visit({ collector: () => (open ? {} : answer) })
    t.after(shop.close)
    await shop.pass(250)
    assert.equal(Object.keys(shop.kept()).filter((name) => name.startsWith('habitue.k.q.')).length, 1)
    open = true
    await shop.pass(1_100)
    assert.ok(shop.taken().includes('page'))
    assert.deepEqual(shop.kept(), {})
  })
}

test('what others left is taken, oldest first; what they still hold is not, unless their clock was wrong', async (t) => {
  const storage = {
    'habitue.k.q.left.1000001': JSON.stringify([event('second', -2000)]),
    'habitue.k.q.left.1000000': JSON.stringify([event('first', -3000)]),
    'habitue.k.q.held.1000000': JSON.stringify([millisecond(20_000), event('held', -2500)]),
    'habitue.k.q.mad.1000000': JSON.stringify([millisecond(9e9), event('mad', -1000)]),
    'habitue.other.q.a.1': JSON.stringify([event('of another key', -1000)]),
    basket: 'the shop keeps this'
  }
  const shop = await visit({ storage })
  t.after(shop.close)
  await shop.pass(250)
  assert.deepEqual(shop.taken(), ['first', 'second', 'mad', 'page'])
  assert.ok(shop.kept()['habitue.k.q.held.1000000'])
  await shop.pass(32_000)
  assert.ok(shop.taken().includes('held'))
  assert.deepEqual(Object.keys(shop.kept()).sort(), ['basket', 'habitue.other.q.a.1'])
})

test('two pages that take over the same at once send it twice, with the same id, and then rest', async (t) => {
  const storage = { 'habitue.k.q.left.1': JSON.stringify([event('left', -1000)]) }
  for (const shop of [await visit({ storage }), await visit({ storage })]) {
    t.after(shop.close)
    await shop.pass(60_000)
    assert.deepEqual(shop.taken(), ['left', 'page'])
    assert.deepEqual(shop.kept(), {})
  }
})

test('an event that waited 23 hours in an open page is given up and counted', async (t) => {
  let open = false
  const shop = await visit({ collector: () => (open ? {} : 503) })
  t.after(shop.close)
  await shop.pass(23 * 3_600_000 + 400_000)
  open = true
  shop.habitue('track', 'Fresh')
  await shop.pass(301_000)
  assert.deepEqual(shop.taken(), ['Fresh'])
  assert.equal(shop.beacons.at(-1).body.context.lost.old, 1)
})

test('full storage loses nothing while the page lives', async (t) => {
  const browser = (window) => {
    window.Storage.prototype.setItem = () => {
      throw new Error('QuotaExceededError')
    }
  }
  const shop = await visit({ browser })
  t.after(shop.close)
  for (let i = 0; i < 30; i++) shop.habitue('track', 'Many')
  await shop.pass(1000)
  assert.equal(shop.taken().length, 31)
  assert.ok(shop.beacons.every((beacon) => beacon.body.batch.length <= 25))
})

test('a shop that clears the storage loses none of our events', async (t) => {
  let open = false
  const shop = await visit({ collector: () => (open ? {} : 503) })
  t.after(shop.close)
  await shop.pass(250)
  shop.window.localStorage.clear()
  open = true
  await shop.pass(2000)
  assert.deepEqual(shop.taken(), ['page'])
})
