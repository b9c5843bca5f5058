/**
 * localStorage, where it may be used at all: full, forbidden or absent storage only means less safety. Written only
 * after consent; everything we keep carries our prefix.
 */
import { writeKey } from './config'

const PREFIX = 'habitue.' + writeKey + '.'

let box: Storage | undefined
try {
  box = localStorage
} catch {
  // Forbidden, then.
}

export const read = (name: string): string | null | undefined => box?.getItem(PREFIX + name)

/** True when it is kept. */
export const write = (name: string, value: string): boolean => {
  try {
    box!.setItem(PREFIX + name, value)
    return true
  } catch {
    return false
  }
}

export const remove = (name: string): void => {
  box?.removeItem(PREFIX + name)
}

/** Names of what is kept, without the prefix; nothing where something is not ours. */
export const names = (): string[] => Object.keys(box || {}).map((name) => name.split(PREFIX)[1]!)
