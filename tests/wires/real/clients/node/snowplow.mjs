import { createRequire } from 'node:module'
import { DEVICE, SHOE_ENTITY, SOCK_ENTITY, TRAITS, USER, transaction } from '../scenario.mjs'
import { HOST, KEY, ORDER } from './native.mjs'

const { buildPageView, buildSelfDescribingEvent, newTracker } = createRequire(import.meta.url)('@snowplow/node-tracker')
const method = process.env.VARIANT === 'get' ? 'get' : 'post'
const tracker = newTracker(
  { namespace: 'shop', appId: KEY, encodeBase64: process.env.VARIANT !== 'plain' },
  { endpoint: HOST, eventMethod: method, bufferSize: method === 'get' ? 1 : 3 },
)
tracker.setDomainUserId(DEVICE)
const ecommerce = (entity, data) => ({ schema: `iglu:com.snowplowanalytics.snowplow.ecommerce/${entity}/jsonschema/1-0-0`, data })
const action = (type, entities, at) =>
  tracker.track(
    buildSelfDescribingEvent({
      event: { schema: 'iglu:com.snowplowanalytics.snowplow.ecommerce/snowplow_ecommerce_action/jsonschema/1-0-2', data: { type } },
    }),
    entities,
    at,
  )
tracker.track(buildPageView({ pageUrl: 'http://shop.test/home', pageTitle: 'Home' }))
tracker.track(buildPageView({ pageUrl: 'http://shop.test/product', pageTitle: 'Product' }))
action('product_view', [ecommerce('product', SHOE_ENTITY)])
action('add_to_cart', [ecommerce('product', SHOE_ENTITY), ecommerce('cart', { total_value: 89.9, currency: 'EUR' })])
tracker.setUserId(USER)
tracker.track(buildSelfDescribingEvent({ event: { schema: 'iglu:com.acme/login/jsonschema/1-0-0', data: TRAITS } }))
action(
  'transaction',
  [ecommerce('product', SHOE_ENTITY), ecommerce('product', SOCK_ENTITY), ecommerce('transaction', transaction(ORDER))],
  { type: 'ttm', value: Date.now() - 3_600_000 },
)
await tracker.flush()
