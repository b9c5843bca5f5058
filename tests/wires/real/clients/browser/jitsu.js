import { jitsuAnalytics } from '@jitsu/js'
import { steps } from './native.js'
import { walk } from './walk.js'

walk({ ...steps, start: (host, writeKey) => jitsuAnalytics({ host, writeKey: `${writeKey}:any` }) })
