import { HtEventsBrowser } from '@ht-sdks/events-sdk-js-browser'
import { steps } from './native.js'
import { walk } from './walk.js'

async function start(url, writeKey, apiHost) {
  const batching = window.SHOP.variant === 'batching'
  const [tracker] = await HtEventsBrowser.load({ writeKey }, { apiHost, protocol: 'http', batching })
  return tracker
}

walk({ ...steps, start })
