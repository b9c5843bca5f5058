import { jitsuClient } from '@jitsu/sdk-js'
import { SHOE, TRAITS, USER, order } from '../scenario.mjs'
import { walk } from './walk.js'

walk({
  start: (tracking_host, key) => jitsuClient({ key, tracking_host }),
  home: (tracker) => tracker.track('pageview'),
  async product(tracker) {
    await tracker.track('pageview')
    await tracker.track('Product Viewed', SHOE)
  },
  cart: (tracker) => tracker.track('Product Added', SHOE),
  login: (tracker) => tracker.id({ id: USER, ...TRAITS }),
  order: (tracker, id) => tracker.track('Order Completed', order(id)),
})
