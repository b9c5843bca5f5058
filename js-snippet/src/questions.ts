/** What the server is asked for slots, and what it answers. */

export interface Reason {
  code: string
  text: string
}

export interface Offer {
  item_id: string
  name?: string
  price?: number
  currency?: string
  url?: string
  image_url?: string
  score?: number
  reasons?: Reason[]
  /** Of a content: `banner`, `message` or `coupon`. */
  kind?: string
  text?: string
  code?: string
}

export interface SlotAnswer {
  decision_id?: string
  offers: Offer[]
  model?: string
  variant?: string
  reason?: string
}

export type Answers = Record<string, SlotAnswer>

/** What the page is about; asked along with the slots. */
export interface About {
  type?: string
  item_id?: string
  category?: string
}
