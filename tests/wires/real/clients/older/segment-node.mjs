import { HOST, KEY, walk } from '../node/native.mjs'

const { Analytics } = await import(process.env.PACKAGE)
const tracker = new Analytics({ writeKey: KEY, host: HOST, maxRetries: 2 })
tracker.on('error', (error) => console.log('error', error.code))
walk(tracker)
await tracker.closeAndFlush({ timeout: 10_000 })
