import Analytics from 'analytics-node'
import { HOST, KEY, walk } from './native.mjs'

const tracker = new Analytics(KEY, { host: HOST, retryCount: 2, errorHandler: (error) => console.log('error', error.message) })
walk(tracker)
await tracker.flush()
