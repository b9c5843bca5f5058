import { AnalyticsBrowser } from '@segment/analytics-next'
import { steps } from './native.js'
import { walk } from './walk.js'

// Its settings, and so where its events go, come from the collector itself.
walk({ ...steps, start: async (url, writeKey) => (await AnalyticsBrowser.load({ writeKey, cdnURL: url }))[0] })
