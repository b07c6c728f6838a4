/** `["OK","` comes before the id, `",true` behind it. */
const ID_AT = 7
const ID_END = ID_AT + 64

/** `id` where it is an OK, `reason` where it is anything but an OK true. */
export const readOk = (frame: Buffer): { readonly id?: string; readonly reason?: string } => {
  // As all relays here write it; anything else is read with more patience.
  if (frame.toString('latin1', 0, ID_AT) === '["OK","' && frame.toString('latin1', ID_END, ID_END + 6) === '",true') {
    return { id: frame.toString('latin1', ID_AT, ID_END) }
  }
  const text = frame.toString()
  const [verb, id, accepted, words] = JSON.parse(text) as unknown[]
  // A challenge is an offer.
  if (verb === 'AUTH') return {}
  if (verb !== 'OK' || typeof id !== 'string') return { reason: text }
  return accepted === true ? { id } : { id, reason: `OK false ${String(words)}` }
}
