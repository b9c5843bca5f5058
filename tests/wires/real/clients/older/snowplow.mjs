// node-tracker 3: the emitter is made by itself.
import { createRequire } from 'node:module'
import { DEVICE, SHOE_ENTITY, SOCK_ENTITY, TRAITS, USER, transaction } from '../scenario.mjs'
import { HOST, KEY, ORDER } from '../node/native.mjs'

const { buildPageView, buildSelfDescribingEvent, gotEmitter, tracker: make } = createRequire(import.meta.url)(process.env.PACKAGE)
const { hostname, port } = new URL(HOST)
const method = process.env.VARIANT === 'get' ? 'get' : 'post'
const report = (error) => error && console.log('error', error.message)
const emitter = gotEmitter(hostname, 'http', Number(port), method, method === 'get' ? 1 : 3, undefined, undefined, report)
const tracker = make([emitter], 'shop', KEY, process.env.VARIANT !== 'plain')
tracker.setDomainUserId(DEVICE)
const ecommerce = (entity, data) => ({ schema: `iglu:com.snowplowanalytics.snowplow.ecommerce/${entity}/jsonschema/1-0-0`, data })
const said = (schema, data) => buildSelfDescribingEvent({ event: { schema, data } })
const action = (type, entities, at) =>
  tracker.track(said('iglu:com.snowplowanalytics.snowplow.ecommerce/snowplow_ecommerce_action/jsonschema/1-0-2', { type }), entities, at)

tracker.track(buildPageView({ pageUrl: 'http://shop.test/home', pageTitle: 'Home' }))
tracker.track(buildPageView({ pageUrl: 'http://shop.test/product', pageTitle: 'Product' }))
action('product_view', [ecommerce('product', SHOE_ENTITY)])
action('add_to_cart', [ecommerce('product', SHOE_ENTITY), ecommerce('cart', { total_value: 89.9, currency: 'EUR' })])
tracker.setUserId(USER)
tracker.track(said('iglu:com.acme/login/jsonschema/1-0-0', TRAITS))
action(
  'transaction',
  [ecommerce('product', SHOE_ENTITY), ecommerce('product', SOCK_ENTITY), ecommerce('transaction', transaction(ORDER))],
  { type: 'ttm', value: Date.now() - 3_600_000 },
)
emitter.flush()
