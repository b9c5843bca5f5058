import { AnalyticsBrowser } from '@segment/analytics-next'
import { steps } from './native.js'
import { walk } from './walk.js'

walk({
  ...steps,
  start: (url, writeKey) =>
    AnalyticsBrowser.load(
      { writeKey, cdnURL: url },
      { integrations: { 'Segment.io': { deliveryStrategy: { strategy: 'batching', config: { size: 2, timeout: 300 } } } } },
    ),
})
