import Sqlite, { type Database } from 'better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Fault } from '../../../src/core/fault.js'
import { createUndo } from '../../../src/store/undo.js'
import { createWriter, type Writer } from '../../../src/store/writer.js'
import { tempFile } from './build.js'

interface Bench {
  readonly db: Database
  readonly writer: Writer
  readonly add: (n: number) => Promise<number>
  readonly stored: () => number[]
  readonly commits: () => number
  readonly forgotten: () => number
  readonly undone: number[]
}

const bench = (maxGroup?: number): Bench => {
  const db = new Sqlite(tempFile())
  onTestFinished(() => void db.close())
  db.pragma('journal_mode = WAL')
  db.pragma('foreign_keys = ON')
  db.exec(`CREATE TABLE numbers (n INTEGER PRIMARY KEY) STRICT;
    CREATE TABLE loose (n INTEGER REFERENCES numbers (n) DEFERRABLE INITIALLY DEFERRED) STRICT;
    CREATE TABLE ballast (b BLOB) STRICT;`)
  const undo = createUndo()
  let commits = 0
  let forgotten = 0
  const undone: number[] = []
  const writer = createWriter(db, {
    undo,
    beforeCommit: () => {
      commits++
    },
    forget: () => {
      forgotten++
    },
    ...(maxGroup !== undefined && { maxGroup }),
  })
  const insert = db.prepare('INSERT INTO numbers VALUES (?)')
  return {
    db,
    writer,
    add: (n) =>
      writer.write(() => {
        undo.add(() => undone.push(n))
        insert.run(n)
        return n
      }),
    stored: () => db.prepare<[], number>('SELECT n FROM numbers ORDER BY n').pluck().all(),
    commits: () => commits,
    forgotten: () => forgotten,
    undone,
  }
}

const outcomes = async (promises: Promise<unknown>[]): Promise<string[]> =>
  (await Promise.allSettled(promises)).map((result) =>
    result.status === 'fulfilled' ? 'ok' : result.reason instanceof Fault ? 'fault' : 'error',
  )

describe('the writer', () => {
  it('runs all that came in together in one transaction, in their order', async () => {
    const b = bench()

    const answers = await Promise.all([3, 1, 2].map(b.add))

    expect(answers).toEqual([3, 1, 2])
    expect(b.commits()).toBe(1)
    expect(b.stored()).toEqual([1, 2, 3])
  })

  it('splits what is more than a group into several transactions', async () => {
    const b = bench(10)

    await Promise.all(Array.from({ length: 25 }, (_, n) => b.add(n)))

    expect(b.commits()).toBe(3)
    expect(b.stored()).toHaveLength(25)
  })

  it('resolves only after the commit', async () => {
    const b = bench()
    const reader = new Sqlite(b.db.name, { readonly: true })
    onTestFinished(() => void reader.close())

    await b.add(7)

    expect(reader.prepare('SELECT n FROM numbers').pluck().all()).toEqual([7])
  })

  it('takes back and rejects only the job that throws', async () => {
    const b = bench()
    const boom = b.writer.write(() => {
      b.db.prepare('INSERT INTO numbers VALUES (99)').run()
      throw new Error('boom')
    })

    const results = await outcomes([b.add(1), boom, b.add(2)])

    expect(results).toEqual(['ok', 'error', 'ok'])
    expect(b.stored()).toEqual([1, 2])
    expect(b.forgotten()).toBe(0)
  })

  it('runs the way back of the job that failed and of no other', async () => {
    const b = bench()

    const results = await outcomes([b.add(1), b.add(1), b.add(2)])

    expect(results).toEqual(['ok', 'error', 'ok'])
    expect(b.undone).toEqual([1])
  })

  it('rejects the whole group with a Fault when COMMIT fails, and goes on', async () => {
    const b = bench()
    const broken = b.writer.write(() => b.db.prepare('INSERT INTO loose VALUES (404)').run())

    const first = await outcomes([b.add(1), broken])
    const second = await outcomes([b.add(2)])

    expect(first).toEqual(['fault', 'fault'])
    expect(second).toEqual(['ok'])
    expect(b.stored()).toEqual([2])
    expect(b.forgotten()).toBe(1)
  })

  it('rejects the whole group with a Fault when the disk is full, and goes on when there is room', async () => {
    const b = bench()
    const pages = b.db.pragma('page_count', { simple: true }) as number
    b.db.pragma(`max_page_count = ${pages}`)
    const big = b.writer.write(() => b.db.prepare('INSERT INTO ballast VALUES (zeroblob(1000000))').run())

    const first = await outcomes([b.add(1), big, b.add(2)])
    b.db.pragma('max_page_count = 1000000')
    const second = await outcomes([b.add(3)])

    expect(first).toEqual(['fault', 'fault', 'fault'])
    expect(second).toEqual(['ok'])
    expect(b.stored()).toEqual([3])
  })

  it('rejects with a Fault while another process holds the file, and goes on afterwards', async () => {
    const b = bench()
    b.db.pragma('busy_timeout = 0')
    const other = new Sqlite(b.db.name)
    onTestFinished(() => void other.close())
    other.exec('BEGIN IMMEDIATE')

    const first = await outcomes([b.add(1)])
    other.exec('ROLLBACK')
    const second = await outcomes([b.add(2)])

    expect(first).toEqual(['fault'])
    expect(second).toEqual(['ok'])
  })

  it('finishes what is queued before it closes, and refuses what comes later', async () => {
    const b = bench(10)
    const early = Array.from({ length: 25 }, (_, n) => b.add(n))

    await b.writer.close()
    const late = await outcomes([b.add(100)])

    expect(await outcomes(early)).toEqual(Array.from({ length: 25 }, () => 'ok'))
    expect(late).toEqual(['fault'])
    expect(b.stored()).toHaveLength(25)
  })
})
