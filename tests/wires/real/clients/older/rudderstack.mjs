// Version 1 took the whole address as its second argument.
import { createRequire } from 'node:module'
import { HOST, KEY, walk } from '../node/native.mjs'

const found = createRequire(import.meta.url)(process.env.PACKAGE)
const Rudder = found.default ?? found
const options = { retryCount: 2, flushAt: 20, errorHandler: (error) => console.log('error', error.message) }
const first = process.env.PACKAGE.endsWith('-1')
const tracker = first ? new Rudder(KEY, `${HOST}/v1/batch`, options) : new Rudder(KEY, { dataPlaneUrl: HOST, ...options })
walk(tracker)
await new Promise((done) => tracker.flush(() => done()))
