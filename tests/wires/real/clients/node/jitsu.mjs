import { jitsuAnalytics } from '@jitsu/js'
import { DEVICE, SHOE, TRAITS, USER, order } from '../scenario.mjs'
import { HOST, KEY, ORDER } from './native.mjs'

const tracker = jitsuAnalytics({ host: HOST, writeKey: `${KEY}:any`, s2s: true })
await tracker.setAnonymousId(DEVICE)
await tracker.page({ name: 'Home', url: 'http://shop.test/home' })
await tracker.page({ name: 'Product', url: 'http://shop.test/product' })
await tracker.track('Product Viewed', SHOE)
await tracker.track('Product Added', SHOE)
await tracker.identify(USER, TRAITS)
await tracker.track('Order Completed', order(ORDER))
