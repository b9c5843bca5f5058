import { AnalyticsBrowser } from '@segment/analytics-next'
import { steps } from './native.js'
import { walk } from './walk.js'

const deliveryStrategy = { strategy: 'batching', config: { size: 2, timeout: 300 } }

async function start(url, writeKey) {
  const integrations = { 'Segment.io': { deliveryStrategy } }
  const [tracker] = await AnalyticsBrowser.load({ writeKey, cdnURL: url }, { integrations })
  return tracker
}

walk({ ...steps, start })
