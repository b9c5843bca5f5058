// The scenario for server clients of Segment's API: methods that take one object. The order is an hour old.
import { DEVICE, SHOE, TRAITS, USER, order } from '../scenario.mjs'

export const { HOST, KEY, ORDER } = process.env

export function walk(tracker) {
  const who = { anonymousId: DEVICE }
  tracker.page({ ...who, name: 'Home', properties: { url: 'http://shop.test/home' } })
  tracker.page({ ...who, name: 'Product', properties: { url: 'http://shop.test/product' } })
  tracker.track({ ...who, event: 'Product Viewed', properties: SHOE })
  tracker.track({ ...who, event: 'Product Added', properties: SHOE })
  tracker.identify({ ...who, userId: USER, traits: TRAITS })
  const timestamp = new Date(Date.now() - 3_600_000)
  tracker.track({ ...who, userId: USER, event: 'Order Completed', properties: order(ORDER), timestamp })
}
