/** The only file that touches the network. */
import { endpoint } from './config'

const enum Wait {
  /** A server that neither answers nor hangs up is not waited for any longer than this, ms. */
  Answer = 12_000
}

export interface Answer {
  results?: { index: number; status: string; reason?: string; duplicate?: boolean }[]
  slots?: Record<string, unknown>
}

/**
 * POSTs `body` as text/plain (no preflight) to a path below the endpoint, with or without cookies.
 *
 * Gives the answer once the server said 200 in JSON (a captive portal's page is no acknowledgement), else the pause,
 * in ms, that its Retry-After asks for. `leaving`: the page may be gone before the answer comes; where `fetch` fails
 * then, `sendBeacon` tries (its `true` only means "queued", so that is no acknowledgement either).
 */
export const post = async (path: string, body: string, cookies: boolean, leaving?: boolean): Promise<Answer | number> => {
  const url = endpoint + '/v1/' + path
  try {
    const response = await fetch(url, {
      method: 'POST',
      body,
      keepalive: true,
      credentials: cookies ? 'include' : 'omit',
      signal: AbortSignal.timeout(Wait.Answer)
    })
    if (response.status === 200) return Object(await response.json())
    // Seconds or a date. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    const header = response.headers.get('Retry-After')!
    return +header * 1000 || Date.parse(header) - Date.now() || 0
  } catch {
    if (leaving && cookies) navigator.sendBeacon(url, body)
    return 0
  }
}
