import { HtEventsBrowser } from '@ht-sdks/events-sdk-js-browser'
import { steps } from './native.js'
import { walk } from './walk.js'

walk({
  ...steps,
  start: (url, writeKey, apiHost) => HtEventsBrowser.load({ writeKey }, { apiHost, protocol: 'http', batching: window.SHOP.variant === 'batching' }),
})
