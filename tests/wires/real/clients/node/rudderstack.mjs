import { createRequire } from 'node:module'
import { HOST, KEY, walk } from './native.mjs'

const RudderAnalytics = createRequire(import.meta.url)('@rudderstack/rudder-sdk-node')
const tracker = new RudderAnalytics(KEY, {
  dataPlaneUrl: HOST,
  gzip: process.env.VARIANT !== 'plain',
  retryCount: 2,
  flushAt: 20,
  errorHandler: (error) => console.log('error', error.message), // without one it ends the process at any error
})
walk(tracker)
await new Promise((done) => tracker.flush(() => done()))
