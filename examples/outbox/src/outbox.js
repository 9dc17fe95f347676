/**
 * The transactional outbox: what happened is written to the database together with the change
 * itself, and published later. The database is a list here.
 */
export class Outbox {
  #rows = []

  add(key, event) {
    this.#rows.push({ id: this.#rows.length + 1, key, event, published: false })
  }

  pending() {
    return this.#rows.filter((row) => !row.published)
  }

  markPublished(rows) {
    for (const row of rows) row.published = true
  }
}

/**
 * Publishes what is pending, in order. A row is only marked once the broker has acknowledged it, so
 * every event is published at least once, and again when an answer was lost: consumers tell by its id.
 */
export async function relay(outbox, producer, topic) {
  const rows = outbox.pending()
  if (rows.length === 0) return
  await producer.send({
    topic,
    messages: rows.map(({ id, key, event }) => ({
      key,
      value: JSON.stringify(event),
      headers: { 'event-id': String(id) },
    })),
  })
  outbox.markPublished(rows)
}
