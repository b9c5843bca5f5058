// The calls of all clients that speak Segment's API.
import { SHOE, TRAITS, USER, order } from '../scenario.mjs'

export const steps = {
  home: (tracker) => tracker.page('Home'),
  async product(tracker) {
    await tracker.page('Product')
    await tracker.track('Product Viewed', SHOE)
  },
  cart: (tracker) => tracker.track('Product Added', SHOE),
  login: (tracker) => tracker.identify(USER, TRAITS),
  order: (tracker, id) => tracker.track('Order Completed', order(id)),
}
