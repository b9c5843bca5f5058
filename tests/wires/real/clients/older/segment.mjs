// analytics-node 1 to 5: `flush` takes a callback.
import { createRequire } from 'node:module'
import { HOST, KEY, walk } from '../node/native.mjs'

const Analytics = createRequire(import.meta.url)(process.env.PACKAGE)
const tracker = new Analytics(KEY, { host: HOST, flushAt: 20 })
walk(tracker)
await new Promise((done) =>
  tracker.flush((error) => {
    if (error) console.log('error', String(error))
    done()
  }),
)
