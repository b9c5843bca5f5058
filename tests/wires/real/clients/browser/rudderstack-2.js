import * as rudder from 'rudder-sdk-js'
import { steps } from './native.js'
import { walk } from './walk.js'

walk({
  ...steps,
  start: (url, key) =>
    new Promise((ready) => {
      rudder.load(key, url, { configUrl: url })
      rudder.ready(() => ready(rudder))
    }),
})
