import { RudderAnalytics } from '@rudderstack/analytics-js/bundled' // without plugins from elsewhere
import { steps } from './native.js'
import { walk } from './walk.js'

export function start(options) {
  return (url, key) =>
    new Promise((ready) => {
      const tracker = new RudderAnalytics()
      tracker.load(key, url, { configUrl: url, ...options })
      tracker.ready(() => ready(tracker))
    })
}

walk({ ...steps, start: start({ useBeacon: window.SHOP.variant === 'beacon', beaconQueueOptions: { flushQueueInterval: 300 } }) })
