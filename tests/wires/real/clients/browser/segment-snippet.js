import snippet from '@segment/snippet'
import { steps } from './native.js'
import { walk } from './walk.js'

// The snippet as a shop has it, with another host; over plain http here.
walk({
  ...steps,
  start: (url, apiKey, host) => {
    const script = document.createElement('script')
    script.textContent = snippet.max({ host, apiKey, page: false }).replaceAll('https://', 'http://')
    document.head.append(script)
    return window.analytics
  },
})
