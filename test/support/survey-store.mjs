// What a store answers, as plain JSON: the same before and after a migration.

const plain = (value) => JSON.parse(JSON.stringify(value))

/** `at` is a time by which all is due. */
export const surveyStore = (store, at) => {
  const scopes = store.scopes()
  const ids = store.log({ limit: 1_000 }).map((line) => line.id)
  return plain({
    scopes: scopes.map(({ scope, root, count }) => ({ scope, root, count, order: [...store.linearOrder(scope)] })),
    tips: store.tips(),
    log: store.log({ limit: 1_000 }),
    inbox: store.inbox({ limit: 1_000 }),
    shown: [...ids, ...store.inbox({ limit: 1_000 }).map((line) => line.id)].map((id) => store.show(id)),
    missing: store.missingParents(1_000),
    counts: store.counts(),
    due: store.owedTo().map((to) => ({ to, due: store.due(to, at, 1_000) })),
    receipts: store.receiptsOwedTo().map((to) => ({ to, due: store.receiptsDue(to, at, 1_000) })),
    peers: store.peers(),
    pins: store.pins(),
    grants: store.grants(),
    exported: [...store.export()],
  })
}
