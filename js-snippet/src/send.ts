/** The only file that touches the network. */
import { endpoint } from './config'

/** A server that neither answers nor hangs up is not waited for any longer than this, ms. */
const PATIENCE = 12_000

export interface Answer {
  results?: { index: number; status: string; reason?: string; duplicate?: boolean }[]
  slots?: Record<string, unknown>
}

/** The server did not take it; `pause` is what its Retry-After asks for, ms. */
export class Refused {
  constructor(public pause: number) {}
}

/**
 * POSTs `body` as text/plain (no preflight) to a path below the endpoint, with or without cookies.
 *
 * Resolves with the answer once the server said 200 in JSON: a captive portal's page is no acknowledgement. Rejects
 * with `Refused` otherwise. `leaving`: the page may be gone before the answer comes; where `fetch` fails us then,
 * `sendBeacon` tries (its `true` only means "queued", so it still counts as refused).
 */
export function post(path: string, body: string, cookies: boolean, leaving: boolean): Promise<Answer> {
  const url = endpoint + '/v1/' + path
  const patience = new AbortController()
  const timer = setTimeout(() => patience.abort(), PATIENCE)
  return new Promise<Response>((resolve) =>
    resolve(
      fetch(url, {
        method: 'POST',
        body,
        keepalive: true,
        credentials: cookies ? 'include' : 'omit',
        signal: patience.signal
      })
    )
  )
    .then((response) => {
      if (response.status === 200) return response.json() as Promise<Answer>
      throw new Refused(pauseOf(response.headers.get('Retry-After')))
    })
    .then(
      (answer) => {
        clearTimeout(timer)
        return answer
      },
      (error) => {
        clearTimeout(timer)
        if (leaving && cookies && !(error instanceof Refused)) navigator.sendBeacon(url, body)
        throw error instanceof Refused ? error : new Refused(0)
      }
    )
}

/** Retry-After is seconds or a date. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
function pauseOf(header: string | null): number {
  if (!header) return 0
  return +header >= 0 ? +header * 1000 : Date.parse(header) - Date.now() || 0
}
