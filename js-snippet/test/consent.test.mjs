import assert from 'node:assert/strict'
import { test } from 'node:test'
import { visit } from './visit.mjs'

const LAYER = 'window.dataLayer = window.dataLayer || []; function gtag() { dataLayer.push(arguments) }\n'
const mode = (action, word, more = '') =>
  `gtag('consent', '${action}', {analytics_storage: '${word}', ad_storage: '${word}', ad_personalization: '${word}'${more}});`
const view = (id) => `dataLayer.push({event: 'select_item', ecommerce: {items: [{item_id: '${id}'}]}});`

async function page(t, before, tag = '', given = {}) {
  const shop = await visit({ before: LAYER + before, tag, ...given })
  t.after(shop.close)
  return shop
}

const items = (shop) => shop.beacons.flatMap(({ body }) => body.batch || []).flatMap(({ properties }) => properties?.items || []).map(({ item_id }) => item_id)
/** Nothing that would tell one visitor from another: no cookie, no nonce, no page. */
const anonymous = ({ credentials, body }) => credentials === 'omit' && !body.nonce && !body.batch?.length && !body.context.page

test('a default that denies wins over an assumed consent, and nothing is kept', async (t) => {
  const shop = await page(t, mode('default', 'denied') + view('a'), 'data-consent="assumed"')
  shop.run(view('b'))
  await shop.pass(60_000)
  assert.deepEqual(shop.beacons, [])
  assert.deepEqual(shop.kept(), {})
})

test('a default that grants is the choice where consent is required', async (t) => {
  const shop = await page(t, mode('default', 'granted') + view('a'))
  await shop.pass(300)
  assert.deepEqual(items(shop), ['a'])
  assert.deepEqual(shop.beacons[0].body.context.consent, { analytics: 'granted', personalization: 'granted' })
})

test('what happened while denied is forgotten, an update starts anew, a withdrawal is told once', async (t) => {
  const shop = await page(t, mode('default', 'denied') + view('a'))
  await shop.pass(1000)
  shop.run(mode('update', 'granted') + view('b'))
  await shop.pass(300)
  assert.deepEqual(items(shop), ['b'])
  shop.run(mode('update', 'denied') + view('c'))
  await shop.pass(60_000)
  assert.deepEqual(items(shop), ['b'])
  const [notice, ...others] = shop.beacons.filter(({ body }) => body.context.consent.analytics === 'denied')
  assert.deepEqual(others, [])
  assert.deepEqual([notice.credentials, notice.body.batch], ['include', []])
  assert.deepEqual(shop.kept(), {})
})

for (const [after, expected] of [[300, ['a']], [900, []]]) {
  test(`wait_for_update 500: an update after ${after} ms`, async (t) => {
    const shop = await page(t, mode('default', 'denied', ', wait_for_update: 500') + view('a'), 'data-consent="assumed"')
    await shop.pass(after)
    assert.deepEqual(shop.beacons, [])
    shop.run(mode('update', 'granted'))
    await shop.pass(500)
    assert.deepEqual(items(shop), expected)
  })
}

test('an entry for a region is as if it had not been', async (t) => {
  const shop = await page(t, mode('default', 'granted', ", region: ['US']") + view('a'))
  await shop.pass(1000)
  assert.deepEqual(shop.beacons, [])
  shop.run(mode('update', 'granted'))
  await shop.pass(300)
  assert.deepEqual(items(shop), ['a'])
})

test('statistics alone are no personalization', async (t) => {
  const shop = await page(t, mode('default', 'denied'))
  shop.run("gtag('consent', 'update', {analytics_storage: 'granted'});" + view('a'))
  await shop.pass(300)
  assert.deepEqual(shop.beacons[0].body.context.consent, { analytics: 'granted', personalization: 'denied' })
})

test('where an earlier page was told of a grant, a default only means that the tool has not spoken', async (t) => {
  const shop = await page(t, mode('default', 'denied') + view('a'), '', { storage: { 'habitue.k.consent': 'granted' } })
  await shop.pass(1000)
  assert.deepEqual(shop.beacons, [])
  shop.run(mode('update', 'granted'))
  await shop.pass(300)
  assert.deepEqual(items(shop), ['a'])
})

test('our own call counts more than a default, whenever that comes', async (t) => {
  const shop = await page(t, '')
  shop.habitue('consent', { analytics: true, personalization: true })
  shop.run(mode('default', 'denied') + view('a'))
  await shop.pass(300)
  assert.deepEqual(items(shop), ['a'])
})

const TCF = `window.__tcfapi = (command, version, listen) => { window.say = (eventStatus, yes, gdprApplies = true) => listen({eventStatus, gdprApplies, purpose: {consents: yes ? {1: true, 5: true, 6: true, 8: true} : {}}}, true) };`

test('TCF: pending until the tool has spoken, then as it says', async (t) => {
  const shop = await page(t, TCF + view('a'), 'data-consent="assumed"')
  await shop.pass(1000)
  shop.run("say('cmpuishown', false)")
  await shop.pass(1000)
  assert.deepEqual(shop.beacons, [])
  shop.run("say('useractioncomplete', true)")
  await shop.pass(300)
  assert.deepEqual(items(shop), ['a'])
  shop.run("say('useractioncomplete', false);" + view('b'))
  await shop.pass(1000)
  assert.deepEqual(items(shop), ['a'])
  assert.deepEqual(shop.beacons.at(-1).body.context, { consent: { analytics: 'denied', personalization: 'denied' } })
})

test('TCF where it does not apply', async (t) => {
  const shop = await page(t, TCF + view('a'), 'data-consent="assumed"')
  shop.run("say('tcloaded', false, false)")
  await shop.pass(300)
  assert.deepEqual(items(shop), ['a'])
})

const SHOPIFY = `window.Shopify = {customerPrivacy: {word: '', currentVisitorConsent() { return {analytics: this.word, preferences: this.word} }, analyticsProcessingAllowed() { return this.word === 'yes' }, preferencesProcessingAllowed() { return this.word === 'yes' }}};
  window.say = (word) => { Shopify.customerPrivacy.word = word; document.dispatchEvent(new CustomEvent('visitorConsentCollected')) };`

test("Shopify's customerPrivacy", async (t) => {
  const shop = await page(t, SHOPIFY + view('a'), 'data-consent="assumed"')
  await shop.pass(1000)
  assert.deepEqual(shop.beacons, [])
  shop.run("say('yes')")
  await shop.pass(300)
  assert.deepEqual(items(shop), ['a'])
  shop.run("say('no');" + view('b'))
  await shop.pass(1000)
  assert.deepEqual(items(shop), ['a'])
})

for (const [signal, tag, counts] of [
  ['globalPrivacyControl', 'data-consent="assumed"', false],
  ['doNotTrack', 'data-consent="assumed" data-dnt', false],
  ['doNotTrack', 'data-consent="assumed"', true]
]) {
  test(`${signal} with ${tag}`, async (t) => {
    const browser = ({ navigator }) => Object.defineProperty(navigator, signal, { value: signal === 'doNotTrack' ? '1' : true })
    const shop = await page(t, mode('default', 'granted') + view('a'), tag, { browser, html: '<div data-habitue-slot="s"></div>' })
    await shop.pass(1000)
    assert.equal(items(shop).length, counts ? 1 : 0)
    if (!counts) assert.ok(shop.beacons.length === 1 && anonymous(shop.beacons[0]))
  })
}
